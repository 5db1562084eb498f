-- Verdicts and reports that name their message by its Message-ID only. A verdict
-- of that kind is a message's own when it is the one that its row tells.

ALTER TABLE `message`
  ADD COLUMN IF NOT EXISTS `scanned_at` DATETIME(6) NULL COMMENT 'when that verdict was given';

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_scan` AS
SELECT
  m.born, s.host, s.queue_id, s.at, s.message_id, s.action, s.score,
  s.required, s.direction, s.sender, s.header_from, s.rcpt, s.nrcpt,
  s.subject, s.user, s.client, s.size, s.took_ms, s.thresholds, s.symbols
FROM ev_scan s
LEFT JOIN message m
  ON m.queue_id = s.queue_id AND m.host = s.host
  AND s.at BETWEEN m.first_at AND m.last_at
WHERE s.queue_id <> ''
UNION ALL
SELECT
  m.born, m.host, m.queue_id, s.at, s.message_id, s.action, s.score,
  s.required, s.direction, s.sender, s.header_from, s.rcpt, s.nrcpt,
  s.subject, s.user, s.client, s.size, s.took_ms, s.thresholds, s.symbols
FROM message m
JOIN ev_scan s
  ON s.message_id = m.message_id AND s.host = m.host AND s.at = m.scanned_at
WHERE s.queue_id = ''
UNION ALL
SELECT
  NULL, s.host, '', s.at, s.message_id, s.action, s.score,
  s.required, s.direction, s.sender, s.header_from, s.rcpt, s.nrcpt,
  s.subject, s.user, s.client, s.size, s.took_ms, s.thresholds, s.symbols
FROM ev_scan s
WHERE s.queue_id = '' AND NOT EXISTS (
  SELECT 1 FROM message m
  WHERE m.message_id = s.message_id AND m.host = s.host AND m.scanned_at = s.at
);

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
JOIN ev_open e ON e.token = t.token
UNION ALL
SELECT
  m.born, m.host, m.queue_id, q.at,
  'queue', NULL, CONCAT('step=', q.step),
  CONCAT_WS(' ', CONCAT('client=', q.client_name), CONCAT('user=', q.user),
    CONCAT('other=', q.other), q.text)
FROM message m
JOIN ev_queue q
  ON q.queue_id = m.queue_id AND q.host = m.host
  AND q.at BETWEEN m.first_at AND m.last_at
UNION ALL
SELECT
  m.born, m.host, m.queue_id, d.at,
  'deliver', COALESCE(d.orig_to, d.rcpt), CONCAT('outcome=', d.outcome),
  CONCAT_WS(' ', CONCAT('to=', d.rcpt), CONCAT('relay=', d.relay),
    CONCAT('dsn=', d.dsn), d.text)
FROM message m
JOIN ev_deliver d
  ON d.queue_id = m.queue_id AND d.host = m.host
  AND d.at BETWEEN m.first_at AND m.last_at
UNION ALL
SELECT
  m.born, m.host, m.queue_id, j.at,
  'reject', j.rcpt, CONCAT('action=', j.action),
  CONCAT_WS(' ', CONCAT('judge=', j.judge), CONCAT('stage=', j.stage),
    CONCAT('dsn=', j.dsn), j.text)
FROM message m
JOIN ev_reject j
  ON j.queue_id = m.queue_id AND j.host = m.host
  AND j.at BETWEEN m.first_at AND m.last_at
UNION ALL
SELECT
  m.born, m.host, m.queue_id, s.at,
  'scan', NULL, CONCAT('action=', s.action),
  CONCAT('score=', s.score, ' required=', s.required)
FROM message m
JOIN ev_scan s
  ON s.queue_id = m.queue_id AND s.host = m.host
  AND s.at BETWEEN m.first_at AND m.last_at
UNION ALL
SELECT
  m.born, m.host, m.queue_id, n.at,
  'notice', COALESCE(n.orig_to, n.rcpt), CONCAT('kind=', n.kind),
  CONCAT_WS(' ', CONCAT('reporter=', n.reporter), CONCAT('dsn=', n.dsn), n.text)
FROM message m
JOIN ev_notice n
  ON n.queue_id = m.queue_id AND n.host = m.host
  AND n.at BETWEEN m.first_at AND m.last_at
UNION ALL
SELECT
  m.born, m.host, m.queue_id, s.at,
  'scan', NULL, CONCAT('action=', s.action),
  CONCAT('score=', s.score, ' required=', s.required)
FROM message m
JOIN ev_scan s
  ON s.message_id = m.message_id AND s.host = m.host AND s.at = m.scanned_at
WHERE s.queue_id = ''
UNION ALL
SELECT
  m.born, m.host, m.queue_id, n.at,
  'notice', COALESCE(n.orig_to, n.rcpt), CONCAT('kind=', n.kind),
  CONCAT_WS(' ', CONCAT('reporter=', n.reporter), CONCAT('dsn=', n.dsn), n.text)
FROM message m
JOIN ev_notice n
  ON n.message_id = m.message_id AND n.at >= m.born - INTERVAL 1 MINUTE
WHERE n.queue_id IS NULL;
