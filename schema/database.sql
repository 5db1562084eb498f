-- Database and roles, to be run once by the database's administrator, before
-- `mailtrail schema migrate`:
--
--     mariadb < database.sql
--
-- for the database `mailtrail` (change the name throughout if yours differs).
-- One role a purpose; a user gets a role and nothing else:
--
--     CREATE USER collector@localhost IDENTIFIED VIA unix_socket;
--     GRANT mailtrail_collector TO collector@localhost;
--     SET DEFAULT ROLE mailtrail_collector FOR collector@localhost;
--
-- The views run with the rights of the user who migrates: keep that user, and
-- give it the rights of mailtrail_owner by its own name (conf/mariadb does):
-- what a view's definer has through a role does not count in MariaDB.

CREATE DATABASE IF NOT EXISTS `mailtrail`
  CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- `mailtrail schema migrate`, `mailtrail prune`.
CREATE ROLE IF NOT EXISTS mailtrail_owner;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX,
  CREATE VIEW, SHOW VIEW
  ON `mailtrail`.* TO mailtrail_owner;

-- mailtrail-collector: writes what comes from events, makes the partitions of
-- the days to come (ALTER, CREATE, DROP).
CREATE ROLE IF NOT EXISTS mailtrail_collector;
GRANT SELECT, INSERT, UPDATE, CREATE, ALTER, DROP
  ON `mailtrail`.* TO mailtrail_collector;

-- `mailtrail track` and the api: policy and consent. Its rights, and those of
-- mailtrail_reader, are in grants.sql.
CREATE ROLE IF NOT EXISTS mailtrail_policy;

-- Analysts, dashboards, `mailtrail trail`.
CREATE ROLE IF NOT EXISTS mailtrail_reader;
