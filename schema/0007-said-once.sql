-- smtpd says that it holds, discards or redirects a message before it asks for
-- a queue id; the reader of the log makes the same event again, of the message,
-- as soon as the next line names the id (docs/maillog.md). Both are kept: when
-- no id follows, the first is all that is said. Readers see the one with the
-- id only. Its line is the first one's with its highest bit turned; an equal
-- line of another day is none of it.

ALTER TABLE `ev_reject`
  ADD KEY IF NOT EXISTS `again` (`line`);

CREATE OR REPLACE SQL SECURITY DEFINER VIEW `v_reject` AS
SELECT
  j.at, j.host, j.queue_id, j.action, j.judge, j.stage, j.tag, j.client,
  j.client_name, j.code, j.dsn, j.text AS reply, j.sender, j.rcpt, j.helo,
  j.proto, j.user, j.sender_key, j.sender_domain, j.rcpt_key, j.rcpt_domain,
  j.queued
FROM ev_reject j
WHERE j.queued = 1
  OR j.judge <> 'smtpd'
  OR j.action NOT IN ('hold', 'discard', 'redirect')
  OR NOT EXISTS (
    SELECT 1 FROM ev_reject k
    WHERE k.line = j.line ^ (1 << 63)
      AND k.host = j.host
      AND k.action = j.action
      AND k.queued = 1
      AND k.at BETWEEN j.at AND j.at + INTERVAL 5 MINUTE
  );
