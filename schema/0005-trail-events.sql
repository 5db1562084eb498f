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
  PRIMARY KEY (`at`, `host`, `line`),
  KEY `message` (`queue_id`, `host`, `at`)
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

