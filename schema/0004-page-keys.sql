-- A page of a sender's, a domain's or a reader's messages, newest first, read
-- from the end of one index. The primary key's columns stand in each key
-- anyway, so none becomes longer; but of a partitioned table MariaDB goes by
-- those that are declared, and sorted all there were for a page of 50.

ALTER TABLE `message`
  ADD KEY IF NOT EXISTS `sender_page` (`sender_key`, `born`, `host`, `queue_id`),
  ADD KEY IF NOT EXISTS `domain_page` (`sender_domain`, `born`, `host`, `queue_id`),
  DROP KEY IF EXISTS `sender_key`,
  DROP KEY IF EXISTS `sender_domain`;

ALTER TABLE `recipient`
  ADD KEY IF NOT EXISTS `rcpt_page` (`rcpt_key`, `born`, `host`, `queue_id`),
  DROP KEY IF EXISTS `rcpt_key`;
