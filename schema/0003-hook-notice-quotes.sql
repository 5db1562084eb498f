-- What the milter's hook said and which quoted pixels were removed; per rule,
-- whether plain text gets the notice and what becomes of quoted pixels.

ALTER TABLE `ev_offer`
  ADD COLUMN IF NOT EXISTS `quoted` INT UNSIGNED NULL COMMENT 'pixels of ours that were removed from quoted text',
  ADD COLUMN IF NOT EXISTS `hook` VARCHAR(32) NULL COMMENT 'how the milter''s Lua hook ended, when there is one',
  ADD COLUMN IF NOT EXISTS `extra` VARCHAR(1000) NULL COMMENT 'what the hook added: a JSON object of texts, numbers and booleans';

ALTER TABLE `policy_rule`
  ADD COLUMN IF NOT EXISTS `notice_plain` VARCHAR(32) NULL COMMENT 'the notice in plain text, too; NULL: as the level above',
  ADD COLUMN IF NOT EXISTS `quoted` VARCHAR(32) NULL COMMENT 'what becomes of quoted pixels of ours; NULL: as the level above';

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_message` AS
SELECT
  m.born, m.host, m.queue_id, m.offered_at,
  m.sender, m.sender_key, m.sender_domain,
  m.nrcpt, m.recipients, m.size,
  m.user, m.client, o.client_name, o.helo, o.daemon,
  m.message_id, m.header_from, m.subject, o.in_reply_to, o.mailer,
  m.mode, o.level, o.rule, o.request,
  m.reason, o.part, o.encoding, o.charset, o.mark_at,
  o.quoted, o.hook, o.extra,
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

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_trail` AS
SELECT
  m.born, m.host, m.queue_id, m.offered_at AS at,
  'offer' AS event, NULL AS rcpt,
  CONCAT('mode=', m.mode) AS what,
  CONCAT_WS(' ', CONCAT('level=', o.level), CONCAT('reason=', m.reason),
    CONCAT('hook=', o.hook), CONCAT('quoted=', o.quoted)) AS detail
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

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_policy` AS
SELECT
  scope, subject, kind, mode, notice, pixel_url, notice_plain, quoted,
  updated_at, updated_by
FROM policy_rule;
