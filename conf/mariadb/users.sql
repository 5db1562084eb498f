-- Mailtrail's users, after schema/database.sql has made the roles. Replace the
-- PASSWORDs; put each into the file that the option db_password_file names.

-- The daemons and `mailtrail prune` run as the system's user mailtrail, whom
-- MariaDB knows by the socket: no password. (db_user = mailtrail)
CREATE USER IF NOT EXISTS mailtrail@localhost IDENTIFIED VIA unix_socket;
GRANT mailtrail_collector TO mailtrail@localhost;
SET DEFAULT ROLE mailtrail_collector FOR mailtrail@localhost;

-- The administrator's `mailtrail schema migrate` and `mailtrail track`. Keep
-- this user: the views run with its rights, and only with those given to it by
-- name, not through a role. (db_user = mailtrail_admin)
CREATE USER IF NOT EXISTS mailtrail_admin@localhost IDENTIFIED BY 'PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX,
  CREATE VIEW, SHOW VIEW ON `mailtrail`.* TO mailtrail_admin@localhost;

-- An analyst: views only.
CREATE USER IF NOT EXISTS analyst@localhost IDENTIFIED BY 'PASSWORD';
GRANT mailtrail_reader TO analyst@localhost;
SET DEFAULT ROLE mailtrail_reader FOR analyst@localhost;
