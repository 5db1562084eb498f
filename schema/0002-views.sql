-- The views: all that people and programs read. They run with the rights of
-- who applied this migration (SQL SECURITY DEFINER), so that a reader needs
-- none on the tables, and they show neither token nor fingerprint. Each column
-- is described in docs/sql.md, which a test compares with these definitions.

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_message` AS
SELECT
  m.born, m.host, m.queue_id, m.offered_at,
  m.sender, m.sender_key, m.sender_domain,
  m.nrcpt, m.recipients, m.size,
  m.user, m.client, o.client_name, o.helo, o.daemon,
  m.message_id, m.header_from, m.subject, o.in_reply_to, o.mailer,
  m.mode, o.level, o.rule, o.request,
  m.reason, o.part, o.encoding, o.charset, o.mark_at,
  m.offers, m.marks,
  COALESCE(p.n_human_likely + p.n_proxied_possible + p.n_prefetch + p.n_scanner + p.n_bot + p.n_self + p.n_unknown, 0) AS opens,
  COALESCE(p.n_human_likely, 0) AS opens_human_likely,
  COALESCE(p.n_proxied_possible, 0) AS opens_proxied_possible,
  COALESCE(p.n_prefetch, 0) AS opens_prefetch,
  COALESCE(p.n_scanner, 0) AS opens_scanner,
  COALESCE(p.n_bot, 0) AS opens_bot,
  COALESCE(p.n_self, 0) AS opens_self,
  COALESCE(p.n_unknown, 0) AS opens_unknown,
  p.open_first, p.open_last, p.display_first, p.display_last
FROM message m
LEFT JOIN ev_offer o
  ON o.at = m.offered_at AND o.host = m.host AND o.queue_id = m.queue_id
LEFT JOIN message_open p
  ON p.born = m.born AND p.host = m.host AND p.queue_id = m.queue_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_recipient` AS
SELECT
  r.born, r.host, r.queue_id, r.offered_at,
  r.rcpt, r.rcpt_key, r.rcpt_domain, r.mode AS rcpt_mode, r.rule AS rcpt_rule,
  m.sender, m.sender_key, m.sender_domain, m.message_id, m.subject,
  m.mode, m.reason,
  IF(m.mode = 'identified' AND m.recipients = 1, p.display_first, NULL)
    AS display_first,
  IF(m.mode = 'identified' AND m.recipients = 1, p.display_last, NULL)
    AS display_last
FROM recipient r
JOIN message m
  ON m.born = r.born AND m.host = r.host AND m.queue_id = r.queue_id
LEFT JOIN message_open p
  ON p.born = r.born AND p.host = r.host AND p.queue_id = r.queue_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_open` AS
SELECT
  e.at, e.host AS pixel_host,
  t.born, t.host, t.queue_id, t.mode,
  m.sender, m.sender_key, m.sender_domain, m.message_id,
  e.class, e.certainty, e.reasons, e.rules, e.agent, e.country, e.asn
FROM ev_open e
JOIN token t ON t.token = e.token
JOIN message m
  ON m.born = t.born AND m.host = t.host AND m.queue_id = t.queue_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_trail` AS
SELECT
  m.born, m.host, m.queue_id, m.offered_at AS at,
  'offer' AS event, NULL AS rcpt,
  CONCAT('mode=', m.mode) AS what,
  CONCAT('level=', o.level, ' reason=', m.reason) AS detail
FROM message m
JOIN ev_offer o
  ON o.at = m.offered_at AND o.host = m.host AND o.queue_id = m.queue_id
UNION ALL
SELECT
  r.born, r.host, r.queue_id, r.offered_at,
  'rcpt', r.rcpt,
  IF(r.mode IS NULL, '', CONCAT('at_most=', r.mode)),
  COALESCE(CONCAT('rule=', r.rule), '')
FROM message m
JOIN recipient r
  ON r.born = m.born AND r.host = m.host AND r.queue_id = m.queue_id
UNION ALL
SELECT
  t.born, t.host, t.queue_id, t.marked_at,
  'mark', NULL, CONCAT('mode=', t.mode), ''
FROM message m
JOIN token t
  ON t.born = m.born AND t.host = m.host AND t.queue_id = m.queue_id
UNION ALL
SELECT
  t.born, t.host, t.queue_id, e.at,
  'open', NULL, CONCAT('class=', e.class),
  CONCAT_WS(' ', CONCAT('certainty=', e.certainty),
    CONCAT('agent=', e.agent), CONCAT('country=', e.country),
    CONCAT('asn=', e.asn), CONCAT('reasons=', e.reasons))
FROM message m
JOIN token t
  ON t.born = m.born AND t.host = m.host AND t.queue_id = m.queue_id
JOIN ev_open e ON e.token = t.token;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_hourly` AS
SELECT
  day, hour, host, domain AS sender_domain,
  SUM(IF(what = 'offer', n, 0)) AS offered,
  SUM(IF(what = 'recipient', n, 0)) AS recipients,
  SUM(IF(what = 'byte', n, 0)) AS bytes,
  SUM(IF(what = 'reason' AND word = 'done', n, 0)) AS marked,
  SUM(IF(what = 'mode' AND word = 'off', n, 0)) AS mode_off,
  SUM(IF(what = 'mode' AND word = 'anonymous', n, 0)) AS mode_anonymous,
  SUM(IF(what = 'mode' AND word = 'pseudonymous', n, 0)) AS mode_pseudonymous,
  SUM(IF(what = 'mode' AND word = 'identified', n, 0)) AS mode_identified,
  SUM(IF(what = 'opened', n, 0)) AS opened,
  SUM(IF(what = 'displayed', n, 0)) AS displayed,
  SUM(IF(what = 'open' AND word = 'human_likely', n, 0)) AS opens_human_likely,
  SUM(IF(what = 'open' AND word = 'proxied_possible', n, 0)) AS opens_proxied_possible,
  SUM(IF(what = 'open' AND word = 'prefetch', n, 0)) AS opens_prefetch,
  SUM(IF(what = 'open' AND word = 'scanner', n, 0)) AS opens_scanner,
  SUM(IF(what = 'open' AND word = 'bot', n, 0)) AS opens_bot,
  SUM(IF(what = 'open' AND word = 'self', n, 0)) AS opens_self,
  SUM(IF(what = 'open' AND word = 'unknown', n, 0)) AS opens_unknown
FROM counter
GROUP BY day, hour, host, domain;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_daily` AS
SELECT
  day, host, domain AS sender_domain,
  SUM(IF(what = 'offer', n, 0)) AS offered,
  SUM(IF(what = 'recipient', n, 0)) AS recipients,
  SUM(IF(what = 'byte', n, 0)) AS bytes,
  SUM(IF(what = 'reason' AND word = 'done', n, 0)) AS marked,
  SUM(IF(what = 'mode' AND word = 'off', n, 0)) AS mode_off,
  SUM(IF(what = 'mode' AND word = 'anonymous', n, 0)) AS mode_anonymous,
  SUM(IF(what = 'mode' AND word = 'pseudonymous', n, 0)) AS mode_pseudonymous,
  SUM(IF(what = 'mode' AND word = 'identified', n, 0)) AS mode_identified,
  SUM(IF(what = 'opened', n, 0)) AS opened,
  SUM(IF(what = 'displayed', n, 0)) AS displayed,
  SUM(IF(what = 'open' AND word = 'human_likely', n, 0)) AS opens_human_likely,
  SUM(IF(what = 'open' AND word = 'proxied_possible', n, 0)) AS opens_proxied_possible,
  SUM(IF(what = 'open' AND word = 'prefetch', n, 0)) AS opens_prefetch,
  SUM(IF(what = 'open' AND word = 'scanner', n, 0)) AS opens_scanner,
  SUM(IF(what = 'open' AND word = 'bot', n, 0)) AS opens_bot,
  SUM(IF(what = 'open' AND word = 'self', n, 0)) AS opens_self,
  SUM(IF(what = 'open' AND word = 'unknown', n, 0)) AS opens_unknown
FROM counter
GROUP BY day, host, domain;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_refusal` AS
SELECT
  day, hour, host, domain AS sender_domain, word AS reason, n
FROM counter
WHERE what = 'reason' AND word <> 'done';

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_policy` AS
SELECT
  scope, subject, kind, mode, notice, pixel_url, updated_at, updated_by
FROM policy_rule;
