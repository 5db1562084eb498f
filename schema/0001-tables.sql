-- The tables: events (lib/event/events.def), what the collector makes of them,
-- and policy (lib/db/tables.def). The rules for this file: README.md here.

CREATE TABLE IF NOT EXISTS `ev_offer` (
  `at` DATETIME(6) NOT NULL COMMENT 'end of message, as the milter saw it',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host (option host)',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'Postfix queue id',
  `sender` VARCHAR(320) NOT NULL COMMENT 'envelope sender; empty is the null sender',
  `nrcpt` INT UNSIGNED NOT NULL COMMENT 'envelope recipients',
  `user` VARCHAR(320) NULL COMMENT 'SASL login the client authenticated as',
  `client` VARCHAR(45) NULL COMMENT 'address of the SMTP client',
  `client_name` VARCHAR(255) NULL COMMENT 'verified name of the SMTP client',
  `helo` VARCHAR(255) NULL COMMENT 'HELO or EHLO name the client gave',
  `daemon` VARCHAR(64) NULL COMMENT 'milter_macro_daemon_name of the service',
  `size` BIGINT UNSIGNED NOT NULL COMMENT 'bytes of header and body, as received',
  `message_id` VARCHAR(998) NULL COMMENT 'Message-ID header, without angle brackets',
  `header_from` VARCHAR(320) NULL COMMENT 'address of the RFC 5322 From header',
  `subject` VARCHAR(998) NULL COMMENT 'Subject header, unfolded, as sent',
  `in_reply_to` VARCHAR(998) NULL COMMENT 'In-Reply-To header, without angle brackets',
  `mailer` VARCHAR(512) NULL COMMENT 'User-Agent or X-Mailer header',
  `mode` VARCHAR(32) NOT NULL COMMENT 'tracking mode that was decided',
  `level` VARCHAR(32) NOT NULL COMMENT 'level of the policy that decided',
  `rule` VARCHAR(320) NULL COMMENT 'subject of the rule that decided',
  `request` VARCHAR(32) NULL COMMENT 'what X-Mailtrail-Open asked for',
  `reason` VARCHAR(32) NOT NULL COMMENT 'what became of the markup',
  `part` VARCHAR(64) NULL COMMENT 'marked MIME part, such as 1.2',
  `encoding` VARCHAR(32) NULL COMMENT 'its Content-Transfer-Encoding',
  `charset` VARCHAR(64) NULL COMMENT 'its charset, lower case',
  `mark_at` BIGINT UNSIGNED NULL COMMENT 'offset of the insertion in the body',
  PRIMARY KEY (`at`, `host`, `queue_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_rcpt` (
  `at` DATETIME(6) NOT NULL COMMENT 'the offer''s at',
  `host` VARCHAR(255) NOT NULL COMMENT 'the offer''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the offer''s queue id',
  `rcpt` VARCHAR(320) NOT NULL COMMENT 'envelope recipient, as given by the client',
  `mode` VARCHAR(32) NULL COMMENT 'most that this recipient allows, when a rule says so',
  `rule` VARCHAR(320) NULL COMMENT 'subject of that rule',
  PRIMARY KEY (`at`, `host`, `queue_id`, `rcpt`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_mark` (
  `at` DATETIME(6) NOT NULL COMMENT 'the offer''s at',
  `host` VARCHAR(255) NOT NULL COMMENT 'the offer''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the offer''s queue id',
  `token` VARCHAR(32) NOT NULL COMMENT 'the token''s random id, 32 hexadecimal digits',
  `mode` VARCHAR(32) NOT NULL COMMENT 'tracking mode of the token',
  PRIMARY KEY (`at`, `host`, `queue_id`, `token`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `ev_open` (
  `at` DATETIME(6) NOT NULL COMMENT 'time of the request',
  `token` VARCHAR(32) NOT NULL COMMENT 'the token''s random id, 32 hexadecimal digits',
  `host` VARCHAR(255) NOT NULL COMMENT 'pixel host (option host)',
  `twin` INT UNSIGNED NOT NULL COMMENT 'random; tells two requests of one microsecond apart',
  `class` VARCHAR(32) NOT NULL COMMENT 'what fetched it',
  `certainty` VARCHAR(32) NOT NULL COMMENT 'how sure that is',
  `reasons` VARCHAR(200) NULL COMMENT 'codes of the rules that spoke, one space apart',
  `rules` INT UNSIGNED NOT NULL COMMENT 'version of the rules',
  `agent` VARCHAR(32) NULL COMMENT 'family of the program',
  `country` VARCHAR(2) NULL COMMENT 'ISO 3166 country of the address, when a database says',
  `asn` INT UNSIGNED NULL COMMENT 'autonomous system of the address, when a database says',
  `fingerprint` VARCHAR(32) NULL COMMENT 'keyed fingerprint of the day; absent in anonymous mode',
  PRIMARY KEY (`at`, `token`, `host`, `twin`),
  KEY `token` (`token`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`at`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `message` (
  `born` DATETIME(6) NOT NULL COMMENT 'time in a long queue id, else the offer''s time',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'Postfix queue id',
  `sender` VARCHAR(320) NULL COMMENT 'envelope sender; empty is the null sender',
  `sender_key` VARCHAR(320) NULL COMMENT 'the sender as looked up: lower case, no <>',
  `sender_domain` VARCHAR(255) NULL COMMENT 'the sender''s domain, lower case; empty when there is none',
  `nrcpt` INT UNSIGNED NULL COMMENT 'envelope recipients, as the offer counted them',
  `size` BIGINT UNSIGNED NULL COMMENT 'bytes of header and body',
  `user` VARCHAR(320) NULL COMMENT 'SASL login',
  `client` VARCHAR(45) NULL COMMENT 'address of the SMTP client',
  `message_id` VARCHAR(998) NULL COMMENT 'Message-ID header, without angle brackets',
  `header_from` VARCHAR(320) NULL COMMENT 'address of the From header',
  `subject` VARCHAR(998) NULL COMMENT 'Subject header',
  `mode` VARCHAR(32) NULL COMMENT 'tracking mode that was decided',
  `reason` VARCHAR(32) NULL COMMENT 'what became of the markup',
  `offers` BIGINT UNSIGNED NOT NULL COMMENT 'offer events',
  `recipients` BIGINT UNSIGNED NOT NULL COMMENT 'rcpt events',
  `marks` BIGINT UNSIGNED NOT NULL COMMENT 'mark events',
  `offered_at` DATETIME(6) NULL COMMENT 'the earliest offer''s time, whose attributes these are',
  PRIMARY KEY (`born`, `host`, `queue_id`),
  KEY `queue_id` (`queue_id`),
  KEY `sender_key` (`sender_key`),
  KEY `sender_domain` (`sender_domain`),
  KEY `message_id` (`message_id`(64))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`born`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `recipient` (
  `born` DATETIME(6) NOT NULL COMMENT 'the message''s born',
  `host` VARCHAR(255) NOT NULL COMMENT 'the message''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the message''s queue id',
  `rcpt` VARCHAR(320) NOT NULL COMMENT 'envelope recipient, as given by the client',
  `rcpt_key` VARCHAR(320) NULL COMMENT 'the recipient as looked up: lower case, no <>',
  `rcpt_domain` VARCHAR(255) NULL COMMENT 'the recipient''s domain, lower case; empty when there is none',
  `mode` VARCHAR(32) NULL COMMENT 'most that this recipient allows, when a rule says so',
  `rule` VARCHAR(320) NULL COMMENT 'subject of that rule',
  `offered_at` DATETIME(6) NULL COMMENT 'time of the earliest offer to it',
  PRIMARY KEY (`born`, `host`, `queue_id`, `rcpt`),
  KEY `rcpt_key` (`rcpt_key`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`born`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `token` (
  `born` DATETIME(6) NOT NULL COMMENT 'the message''s born',
  `host` VARCHAR(255) NOT NULL COMMENT 'the message''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the message''s queue id',
  `token` VARCHAR(32) NOT NULL COMMENT 'the token''s random id, 32 hexadecimal digits',
  `mode` VARCHAR(32) NULL COMMENT 'tracking mode of the token',
  `marked_at` DATETIME(6) NULL COMMENT 'when it was put there',
  PRIMARY KEY (`born`, `host`, `queue_id`, `token`),
  KEY `token` (`token`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`born`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `open_day` (
  `token` VARCHAR(32) NOT NULL COMMENT 'the token''s random id, 32 hexadecimal digits',
  `day` DATETIME(6) NOT NULL COMMENT 'midnight (UTC) of the day',
  `n_human_likely` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class human_likely',
  `n_proxied_possible` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class proxied_possible',
  `n_prefetch` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class prefetch',
  `n_scanner` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class scanner',
  `n_bot` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class bot',
  `n_self` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class self',
  `n_unknown` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class unknown',
  `open_first` DATETIME(6) NULL COMMENT 'first open',
  `open_last` DATETIME(6) NULL COMMENT 'last open',
  `display_first` DATETIME(6) NULL COMMENT 'first open that a person may have caused (human_likely, proxied_possible)',
  `display_last` DATETIME(6) NULL COMMENT 'last such open',
  PRIMARY KEY (`token`, `day`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`day`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `message_open` (
  `born` DATETIME(6) NOT NULL COMMENT 'the message''s born',
  `host` VARCHAR(255) NOT NULL COMMENT 'the message''s host',
  `queue_id` VARCHAR(32) NOT NULL COMMENT 'the message''s queue id',
  `sender_domain` VARCHAR(255) NOT NULL COMMENT 'the message''s sender_domain, under which counter has these opens',
  `n_human_likely` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class human_likely',
  `n_proxied_possible` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class proxied_possible',
  `n_prefetch` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class prefetch',
  `n_scanner` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class scanner',
  `n_bot` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class bot',
  `n_self` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class self',
  `n_unknown` BIGINT UNSIGNED NOT NULL COMMENT 'opens of class unknown',
  `open_first` DATETIME(6) NULL COMMENT 'first open',
  `open_last` DATETIME(6) NULL COMMENT 'last open',
  `display_first` DATETIME(6) NULL COMMENT 'first open that a person may have caused (human_likely, proxied_possible)',
  `display_last` DATETIME(6) NULL COMMENT 'last such open',
  PRIMARY KEY (`born`, `host`, `queue_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`born`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `counter` (
  `day` DATETIME(6) NOT NULL COMMENT 'midnight (UTC) of the day on which the messages were born',
  `hour` INT UNSIGNED NOT NULL COMMENT 'hour of that day (UTC)',
  `host` VARCHAR(255) NOT NULL COMMENT 'mail host',
  `domain` VARCHAR(255) NOT NULL COMMENT 'sender domain, lower case; empty when there is none',
  `what` VARCHAR(32) NOT NULL COMMENT 'what is counted',
  `word` VARCHAR(32) NOT NULL COMMENT 'of which mode, reason or class; else empty',
  `n` BIGINT UNSIGNED NOT NULL COMMENT 'how many',
  PRIMARY KEY (`day`, `hour`, `host`, `domain`, `what`, `word`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
  PARTITION BY RANGE COLUMNS(`day`)
  (PARTITION p_max VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS `policy_rule` (
  `scope` VARCHAR(32) NOT NULL COMMENT 'what the rule is about',
  `subject` VARCHAR(320) NOT NULL COMMENT '*, domain, @domain or address, lower case',
  `kind` VARCHAR(32) NOT NULL COMMENT 'how the mode is meant',
  `mode` VARCHAR(32) NOT NULL COMMENT 'the mode',
  `notice` VARCHAR(512) NULL COMMENT 'text for recipients; NULL: as the level above; empty: none',
  `pixel_url` VARCHAR(512) NULL COMMENT 'base of pixel addresses; NULL: as the level above',
  `updated_at` DATETIME(6) NOT NULL COMMENT 'when it was last changed',
  `updated_by` VARCHAR(320) NOT NULL COMMENT 'by whom',
  PRIMARY KEY (`scope`, `subject`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS `consent` (
  `rcpt` VARCHAR(320) NOT NULL COMMENT 'address or @domain, lower case',
  `state` VARCHAR(32) NOT NULL COMMENT 'granted or denied',
  `at` DATETIME(6) NOT NULL COMMENT 'when it was said',
  `method` VARCHAR(64) NOT NULL COMMENT 'how: page, command, import, ...',
  `text` VARCHAR(512) NULL COMMENT 'the words that were agreed to, or a note',
  PRIMARY KEY (`rcpt`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
