-- What happens to a message after it was offered, and who was turned away: the
-- events of the mail log, rspamd's verdicts, logins that failed, bans and
-- reports that came later. Those of a message are found by its queue id.

CREATE TABLE IF NOT EXISTS `ev_queue` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the log line',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'Postfix queue id',
  `line` BIGINT UNSIGNED NOT NULL COMMENT 'hash of the line, plus its ordinal among equal lines of one moment',
  `step` VARCHAR(32) NOT NULL COMMENT 'what happened',
  `tag` VARCHAR(128) NULL COMMENT 'program as logged, such as postfix/submission/smtpd',
  `client` VARCHAR(45) NULL COMMENT 'address of the SMTP client',
  `client_name` VARCHAR(255) NULL COMMENT 'verified name of the SMTP client',
  `user` VARCHAR(320) NULL COMMENT 'SASL login the client authenticated as',
  `method` VARCHAR(32) NULL COMMENT 'SASL method',
  `uid` VARCHAR(16) NULL COMMENT 'system user who submitted it locally',
  `sender` VARCHAR(320) NULL COMMENT 'envelope sender; empty is the null sender',
  `size` BIGINT UNSIGNED NULL COMMENT 'bytes of the queue file''s message',
  `nrcpt` INT UNSIGNED NULL COMMENT 'recipients of the queue file',
  `message_id` VARCHAR(998) NULL COMMENT 'Message-ID header, without angle brackets; empty when there is none',
  `other` VARCHAR(32) NULL COMMENT 'queue id that the step links to: the earlier one (client, pickup), or the notification''s or next hop''s',
  `other_host` VARCHAR(255) NULL COMMENT 'host that gave the other queue id, when the line says',
  `text` TEXT NULL COMMENT 'what else the line says, such as the reason of a hold',
  PRIMARY KEY (`at`, `host`, `queue_id`, `line`),
  KEY `message` (`queue_id`, `host`, `at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_deliver` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the log line',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'Postfix queue id',
  `line` BIGINT UNSIGNED NOT NULL COMMENT 'hash of the line, plus its ordinal among equal lines of one moment',
  `rcpt` VARCHAR(320) NOT NULL COMMENT 'address delivered to, after rewriting and aliases',
  `orig_to` VARCHAR(320) NULL COMMENT 'address the client gave, when it is another',
  `outcome` VARCHAR(32) NOT NULL COMMENT 'status= of the line',
  `tag` VARCHAR(128) NULL COMMENT 'program as logged, such as postfix/relay/smtp',
  `relay` VARCHAR(512) NULL COMMENT 'relay= of the line, as logged',
  `relay_name` VARCHAR(255) NULL COMMENT 'host name in it',
  `relay_address` VARCHAR(45) NULL COMMENT 'address in it',
  `relay_port` INT UNSIGNED NULL COMMENT 'port in it',
  `conn_use` INT UNSIGNED NULL COMMENT 'deliveries over this connection so far',
  `delay` BIGINT UNSIGNED NULL COMMENT 'milliseconds since the message arrived',
  `delay_before` BIGINT UNSIGNED NULL COMMENT 'of these, before the queue manager',
  `delay_queue` BIGINT UNSIGNED NULL COMMENT 'in the active queue',
  `delay_connect` BIGINT UNSIGNED NULL COMMENT 'setting up the connection',
  `delay_send` BIGINT UNSIGNED NULL COMMENT 'transmitting',
  `tls` VARCHAR(512) NULL COMMENT 'tls= of the line (Postfix 3.11)',
  `dsn` VARCHAR(16) NULL COMMENT 'RFC 3463 code',
  `code` INT UNSIGNED NULL COMMENT 'SMTP reply code of the other side',
  `next` VARCHAR(32) NULL COMMENT 'queue id under which it went on: queued as, forwarded as',
  `text` TEXT NULL COMMENT 'what stood in the last parentheses',
  PRIMARY KEY (`at`, `host`, `queue_id`, `line`),
  KEY `message` (`queue_id`, `host`, `at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_reject` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the log line',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `line` BIGINT UNSIGNED NOT NULL COMMENT 'hash of the line, plus its ordinal among equal lines of one moment',
  `queue_id` VARCHAR(32) NULL COMMENT 'Postfix queue id, unless it was NOQUEUE',
  `action` VARCHAR(32) NOT NULL COMMENT 'what was done',
  `judge` VARCHAR(32) NOT NULL COMMENT 'who decided',
  `stage` VARCHAR(32) NULL COMMENT 'of the SMTP dialogue',
  `tag` VARCHAR(128) NULL COMMENT 'program as logged',
  `client` VARCHAR(45) NULL COMMENT 'address of the SMTP client',
  `client_name` VARCHAR(255) NULL COMMENT 'verified name of the SMTP client',
  `code` INT UNSIGNED NULL COMMENT 'SMTP reply code',
  `dsn` VARCHAR(16) NULL COMMENT 'RFC 3463 code',
  `text` TEXT NULL COMMENT 'the reply''s text, or the header line that was looked at',
  `sender` VARCHAR(320) NULL COMMENT 'envelope sender; empty is the null sender',
  `rcpt` VARCHAR(320) NULL COMMENT 'envelope recipient',
  `helo` VARCHAR(255) NULL COMMENT 'HELO or EHLO name the client gave',
  `proto` VARCHAR(16) NULL COMMENT 'SMTP or ESMTP',
  `user` VARCHAR(320) NULL COMMENT 'SASL login the client authenticated as',
  `sender_key` VARCHAR(320) AS (LOWER(`sender`)) PERSISTENT COMMENT 'the sender as looked up: lower case',
  `sender_domain` VARCHAR(320) AS (IF(LOCATE('@', `sender`) > 0, LOWER(TRIM(TRAILING '.' FROM SUBSTRING_INDEX(`sender`, '@', -1))), '')) PERSISTENT COMMENT 'the sender''s domain, lower case',
  `rcpt_key` VARCHAR(320) AS (LOWER(`rcpt`)) PERSISTENT COMMENT 'the recipient as looked up: lower case',
  `rcpt_domain` VARCHAR(320) AS (IF(LOCATE('@', `rcpt`) > 0, LOWER(TRIM(TRAILING '.' FROM SUBSTRING_INDEX(`rcpt`, '@', -1))), '')) PERSISTENT COMMENT 'the recipient''s domain, lower case',
  `queued` BOOLEAN AS (`queue_id` IS NOT NULL) PERSISTENT COMMENT 'it has a queue id',
  PRIMARY KEY (`at`, `host`, `line`),
  KEY `message` (`queue_id`, `host`, `at`),
  KEY `sender_page` (`sender_key`, `queued`, `at`),
  KEY `sender_domain_page` (`sender_domain`, `queued`, `at`),
  KEY `rcpt_page` (`rcpt_key`, `queued`, `at`),
  KEY `rcpt_domain_page` (`rcpt_domain`, `queued`, `at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_line` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the log line',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'Postfix queue id',
  `line` BIGINT UNSIGNED NOT NULL COMMENT 'hash of the line, plus its ordinal among equal lines of one moment',
  `tag` VARCHAR(128) NULL COMMENT 'program as logged, with its process id',
  `text` TEXT NULL COMMENT 'the line''s text behind it',
  PRIMARY KEY (`at`, `host`, `queue_id`, `line`),
  KEY `message` (`queue_id`, `host`, `at`)
) ENGINE=InnoDB ROW_FORMAT=COMPRESSED DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_scan` (
  `at` DATETIME(6) NOT NULL COMMENT 'when rspamd was given the message',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'Postfix queue id; empty when only the Message-ID is known',
  `twin` BIGINT UNSIGNED NOT NULL COMMENT 'tells two scans of one microsecond apart',
  `message_id` VARCHAR(998) NULL COMMENT 'Message-ID header, without angle brackets',
  `action` VARCHAR(64) NOT NULL COMMENT 'rspamd''s action, such as no action, add header, reject',
  `score` DECIMAL(15,3) NOT NULL COMMENT 'score of the message',
  `required` DECIMAL(15,3) NOT NULL COMMENT 'score from which it is rejected',
  `direction` VARCHAR(32) NULL COMMENT 'which way the message goes, as far as rspamd was told',
  `sender` VARCHAR(320) NULL COMMENT 'envelope sender; empty is the null sender',
  `header_from` VARCHAR(320) NULL COMMENT 'address of the RFC 5322 From header',
  `rcpt` VARCHAR(320) NULL COMMENT 'first envelope recipient',
  `nrcpt` INT UNSIGNED NULL COMMENT 'envelope recipients',
  `subject` VARCHAR(998) NULL COMMENT 'Subject header',
  `user` VARCHAR(320) NULL COMMENT 'SASL login the client authenticated as',
  `client` VARCHAR(45) NULL COMMENT 'address of the SMTP client',
  `size` BIGINT UNSIGNED NULL COMMENT 'bytes rspamd was given',
  `took_ms` BIGINT UNSIGNED NULL COMMENT 'milliseconds the scan took',
  `thresholds` VARCHAR(512) NULL COMMENT 'scores of each action: a JSON object',
  `symbols` TEXT NULL COMMENT 'symbols with scores and options: a JSON object',
  PRIMARY KEY (`at`, `host`, `queue_id`, `twin`),
  KEY `message` (`queue_id`, `host`, `at`),
  KEY `message_id` (`message_id`(191))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_auth` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the log line',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `line` BIGINT UNSIGNED NOT NULL COMMENT 'hash of the line, plus its ordinal among equal lines of one moment',
  `tag` VARCHAR(128) NULL COMMENT 'program as logged, such as postfix/submission/smtpd or dovecot',
  `client` VARCHAR(45) NULL COMMENT 'address of the client',
  `client_name` VARCHAR(255) NULL COMMENT 'its verified name',
  `method` VARCHAR(32) NULL COMMENT 'SASL method',
  `user` VARCHAR(320) NULL COMMENT 'login that was tried, when the line says',
  `attempts` INT UNSIGNED NULL COMMENT 'attempts that the line stands for, when it says',
  `text` TEXT NULL COMMENT 'the reason, as logged',
  PRIMARY KEY (`at`, `host`, `line`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_ban` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the log line',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `line` BIGINT UNSIGNED NOT NULL COMMENT 'hash of the line, plus its ordinal among equal lines of one moment',
  `guard` VARCHAR(32) NOT NULL COMMENT 'which guard',
  `deed` VARCHAR(32) NOT NULL COMMENT 'what it did',
  `net` VARCHAR(64) NULL COMMENT 'address or network',
  `rule` VARCHAR(64) NULL COMMENT 'jail, or number of the rule',
  `left` INT UNSIGNED NULL COMMENT 'attempts left before a ban',
  `seconds` BIGINT UNSIGNED NULL COMMENT 'length of the ban, or time in which attempts count',
  `user` VARCHAR(320) NULL COMMENT 'login that was tried, when the line says',
  `method` VARCHAR(32) NULL COMMENT 'SASL method, when the line says',
  `text` TEXT NULL COMMENT 'the line''s text',
  PRIMARY KEY (`at`, `host`, `line`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_notice` (
  `at` DATETIME(6) NOT NULL COMMENT 'when the report arrived',
  `host` VARCHAR(255) NOT NULL COMMENT 'host that was given it (option host)',
  `report` VARCHAR(32) NOT NULL COMMENT 'hash of the report, 32 hexadecimal digits: the same report counts once',
  `ordinal` INT UNSIGNED NOT NULL COMMENT 'number of the recipient within the report',
  `kind` VARCHAR(32) NOT NULL COMMENT 'what is reported',
  `rcpt` VARCHAR(320) NULL COMMENT 'recipient it is about, as the report names it',
  `orig_to` VARCHAR(320) NULL COMMENT 'recipient as the sender wrote it, when the report says',
  `sender` VARCHAR(320) NULL COMMENT 'envelope sender or From of the message it is about',
  `message_id` VARCHAR(998) NULL COMMENT 'Message-ID of the message it is about, without angle brackets',
  `queue_id` VARCHAR(32) NULL COMMENT 'queue id of that message, when the report says ours',
  `envelope_id` VARCHAR(512) NULL COMMENT 'Original-Envelope-Id',
  `dsn` VARCHAR(16) NULL COMMENT 'RFC 3463 code',
  `reporter` VARCHAR(255) NULL COMMENT 'Reporting-MTA',
  `remote` VARCHAR(255) NULL COMMENT 'Remote-MTA',
  `feedback` VARCHAR(64) NULL COMMENT 'Feedback-Type of a complaint',
  `agent` VARCHAR(512) NULL COMMENT 'User-Agent of a complaint',
  `text` TEXT NULL COMMENT 'Diagnostic-Code',
  PRIMARY KEY (`at`, `host`, `report`, `ordinal`),
  KEY `message` (`queue_id`, `host`, `at`),
  KEY `message_id` (`message_id`(191))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));


CREATE TABLE IF NOT EXISTS `delivery` (
  `born` DATETIME(6) NOT NULL COMMENT 'the message''s born',
  `host` VARCHAR(255) NOT NULL COMMENT 'the message''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the message''s queue id',
  `leg` BIGINT UNSIGNED NOT NULL COMMENT 'hash of rcpt and orig_to, as looked up',
  `rcpt` VARCHAR(320) NOT NULL COMMENT 'address delivered to',
  `orig_to` VARCHAR(320) NULL COMMENT 'envelope recipient it comes from, when that is another',
  `status` VARCHAR(32) NOT NULL COMMENT 'what became of it',
  `attempts` BIGINT UNSIGNED NOT NULL COMMENT 'attempts',
  `first_at` DATETIME(6) NULL COMMENT 'end of the first',
  `last_at` DATETIME(6) NULL COMMENT 'end of the last',
  `dsn` VARCHAR(16) NULL COMMENT 'RFC 3463 code of the attempt that decided',
  `relay` VARCHAR(512) NULL COMMENT 'where it went',
  `reply` TEXT NULL COMMENT 'and what was said there',
  `delay` BIGINT UNSIGNED NULL COMMENT 'milliseconds from arrival to that attempt''s end',
  `next` VARCHAR(32) NULL COMMENT 'queue id under which it went on',
  PRIMARY KEY (`born`, `host`, `queue_id`, `leg`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`born`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `tie` (
  `born` DATETIME(6) NOT NULL COMMENT 'the message''s born',
  `host` VARCHAR(255) NOT NULL COMMENT 'the message''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the message''s queue id',
  `tie` VARCHAR(32) NOT NULL COMMENT 'how, and which of the two came first',
  `other` VARCHAR(32) NOT NULL COMMENT 'queue id of the other',
  `other_host` VARCHAR(255) NULL COMMENT 'host of the other, as the line names it; absent: the same',
  `at` DATETIME(6) NULL COMMENT 'when a line first said so',
  PRIMARY KEY (`born`, `host`, `queue_id`, `tie`, `other`),
  KEY `other` (`other`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`born`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `life_lock` (
  `slot` INT UNSIGNED NOT NULL COMMENT 'hash of host and queue id',
  `n` BIGINT UNSIGNED NOT NULL COMMENT 'always 0',
  PRIMARY KEY (`slot`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

ALTER TABLE `message`
  MODIFY COLUMN `offered_at` DATETIME(6) NULL COMMENT 'the earliest offer''s time, whose attributes these are; absent: they are the log''s',
  ADD COLUMN IF NOT EXISTS `status` VARCHAR(32) NULL COMMENT 'what became of it: the gravest of its recipients'' status',
  ADD COLUMN IF NOT EXISTS `first_at` DATETIME(6) NULL COMMENT 'first line of the log about it',
  ADD COLUMN IF NOT EXISTS `last_at` DATETIME(6) NULL COMMENT 'last line of the log, verdict or report about it',
  ADD COLUMN IF NOT EXISTS `removed_at` DATETIME(6) NULL COMMENT 'when it left the queue',
  ADD COLUMN IF NOT EXISTS `action` VARCHAR(64) NULL COMMENT 'rspamd''s action, of the last verdict',
  ADD COLUMN IF NOT EXISTS `score` DECIMAL(15,3) NULL COMMENT 'and score',
  ADD COLUMN IF NOT EXISTS `ambiguous` BOOLEAN NULL COMMENT 'lives of this queue id cannot be told apart for certain',
  ADD KEY IF NOT EXISTS `status_page` (`status`, `born`, `host`, `queue_id`);

ALTER TABLE `recipient`
  MODIFY COLUMN `offered_at` DATETIME(6) NULL COMMENT 'time of the earliest offer to it; absent: only the log names it',
  ADD COLUMN IF NOT EXISTS `status` VARCHAR(32) NULL COMMENT 'what became of its copy: the gravest of its deliveries',
  ADD COLUMN IF NOT EXISTS `status_at` DATETIME(6) NULL COMMENT 'since when',
  ADD COLUMN IF NOT EXISTS `attempts` BIGINT UNSIGNED NULL COMMENT 'attempts to deliver, of all its deliveries',
  ADD COLUMN IF NOT EXISTS `dsn` VARCHAR(16) NULL COMMENT 'RFC 3463 code of the attempt that decided',
  ADD COLUMN IF NOT EXISTS `relay` VARCHAR(512) NULL COMMENT 'where it went',
  ADD COLUMN IF NOT EXISTS `reply` TEXT NULL COMMENT 'and what was said there',
  ADD COLUMN IF NOT EXISTS `delay` BIGINT UNSIGNED NULL COMMENT 'milliseconds from arrival to that attempt''s end',
  ADD COLUMN IF NOT EXISTS `notice` VARCHAR(32) NULL COMMENT 'what a report that came later says',
  ADD COLUMN IF NOT EXISTS `notice_at` DATETIME(6) NULL COMMENT 'when it came',
  ADD KEY IF NOT EXISTS `rcpt_domain_page` (`rcpt_domain`, `born`, `host`, `queue_id`);

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
  p.open_first, p.open_last, p.display_first, p.display_last,
  m.status, m.first_at, m.last_at, m.removed_at, m.action,
  IF(m.action IS NULL, NULL, COALESCE(m.score, 0)) AS score,
  COALESCE(m.ambiguous, 0) AS ambiguous
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
    AS display_last,
  r.status, r.status_at, r.attempts, r.dsn, r.relay, r.reply, r.delay,
  r.notice, r.notice_at
FROM recipient r
JOIN message m
  ON m.born = r.born AND m.host = r.host AND m.queue_id = r.queue_id
LEFT JOIN message_open p
  ON p.born = r.born AND p.host = r.host AND p.queue_id = r.queue_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_delivery` AS
SELECT
  born, host, queue_id, rcpt, orig_to, status, attempts, first_at, last_at,
  dsn, relay, reply, delay, next
FROM delivery;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_attempt` AS
SELECT
  m.born, d.host, d.queue_id, d.at, d.rcpt, d.orig_to, d.outcome, d.tag,
  d.relay, d.relay_name, d.relay_address, d.relay_port, d.conn_use,
  d.delay, d.delay_before, d.delay_queue, d.delay_connect, d.delay_send,
  d.tls, d.dsn, d.code, d.next, d.text AS reply
FROM message m
JOIN ev_deliver d
  ON d.queue_id = m.queue_id AND d.host = m.host
  AND d.at BETWEEN m.first_at AND m.last_at;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_step` AS
SELECT
  m.born, q.host, q.queue_id, q.at, q.step, q.tag, q.client, q.client_name,
  q.user, q.method, q.uid, q.sender, q.size, q.nrcpt, q.message_id,
  q.other, q.other_host, q.text
FROM message m
JOIN ev_queue q
  ON q.queue_id = m.queue_id AND q.host = m.host
  AND q.at BETWEEN m.first_at AND m.last_at;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_line` AS
SELECT
  m.born, l.host, l.queue_id, l.at, l.tag, l.text
FROM message m
JOIN ev_line l
  ON l.queue_id = m.queue_id AND l.host = m.host
  AND l.at BETWEEN m.first_at AND m.last_at;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_scan` AS
SELECT
  m.born, s.host, s.queue_id, s.at, s.message_id, s.action, s.score,
  s.required, s.direction, s.sender, s.header_from, s.rcpt, s.nrcpt,
  s.subject, s.user, s.client, s.size, s.took_ms, s.thresholds, s.symbols
FROM ev_scan s
LEFT JOIN message m
  ON m.queue_id = s.queue_id AND m.host = s.host
  AND s.at BETWEEN m.first_at AND m.last_at;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_tie` AS
SELECT
  born, host, queue_id, tie, other, other_host, at
FROM tie;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_reject` AS
SELECT
  at, host, queue_id, action, judge, stage, tag, client, client_name, code,
  dsn, text AS reply, sender, rcpt, helo, proto, user,
  sender_key, sender_domain, rcpt_key, rcpt_domain, queued
FROM ev_reject;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_auth` AS
SELECT
  at, host, tag, client, client_name, method, user, attempts, text AS reason
FROM ev_auth;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_ban` AS
SELECT
  at, host, guard, deed, net, rule, `left`, seconds, user, method, text
FROM ev_ban;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_notice` AS
SELECT
  at, host, report, ordinal, kind, rcpt, orig_to, sender, message_id,
  queue_id, envelope_id, dsn, reporter, remote, feedback, agent, text
FROM ev_notice;

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
  AND n.at BETWEEN m.first_at AND m.last_at;
