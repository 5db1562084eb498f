-- Rights on single tables and views, to be run by the database's administrator
-- after `mailtrail schema migrate` (again after an upgrade: nothing here harms
-- twice). mailtrail_reader sees views only; none of them shows a token or a
-- fingerprint.

GRANT SELECT, INSERT, UPDATE, DELETE ON `mailtrail`.`policy_rule`
  TO mailtrail_policy;
GRANT SELECT, INSERT, UPDATE, DELETE ON `mailtrail`.`consent`
  TO mailtrail_policy;

-- What is worked out of events may turn out to be of another message.
GRANT DELETE ON `mailtrail`.`message` TO mailtrail_collector;
GRANT DELETE ON `mailtrail`.`recipient` TO mailtrail_collector;
GRANT DELETE ON `mailtrail`.`delivery` TO mailtrail_collector;
GRANT DELETE ON `mailtrail`.`tie` TO mailtrail_collector;

GRANT SELECT ON `mailtrail`.`v_message` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_recipient` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_open` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_trail` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_hourly` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_daily` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_refusal` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_policy` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_delivery` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_attempt` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_step` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_line` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_scan` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_tie` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_reject` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_auth` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_ban` TO mailtrail_reader;
GRANT SELECT ON `mailtrail`.`v_notice` TO mailtrail_reader;
