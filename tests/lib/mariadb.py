# SPDX-License-Identifier: BSD-2-Clause
"""A private MariaDB: fresh data directory, Unix socket only."""

import os

import pymysql

from .process import Process, run, user


def statements(text):
    """The statements of an SQL file without comments, each ended by ';'."""
    lines = [line for line in text.splitlines()
             if not line.lstrip().startswith("--")]
    return [s.strip() for s in "\n".join(lines).split(";\n") if s.strip()]


class MariaDB:
    """mariadbd as a user of its own when we are root.

    `root` logs in through the socket without a password; account() makes
    further users, each with a password file for programs of ours.
    buffer_pool "24M" is what mailcow's MariaDB has.
    """

    def __init__(self, lab, name="mariadb", buffer_pool="64M", settings=()):
        self.run_as = user("mysql", "nobody")
        self.directory = lab.subdir(name, owner=self.run_as)
        self.data = os.path.join(self.directory, "data")
        self.socket = os.path.join(self.directory, "mariadb.sock")
        self.conf = os.path.join(self.directory, "my.cnf")
        self.accounts = {}
        with open(self.conf, "w", encoding="ascii") as f:
            f.write("\n".join([
                "[mariadbd]",
                f"datadir = {self.data}",
                f"socket = {self.socket}",
                f"pid-file = {self.directory}/mariadb.pid",
                f"tmpdir = {self.directory}",
                f"innodb_buffer_pool_size = {buffer_pool}",
                "skip-networking",
                "skip-name-resolve",
                "character-set-server = utf8mb4",
                "innodb_log_file_size = 32M",
                "innodb_flush_log_at_trx_commit = 1",
                "performance_schema = OFF",
                *settings,
            ]) + "\n")
        self.process = Process("mariadb", [
            "mariadbd", f"--defaults-file={self.conf}"], self.directory,
            run_as=self.run_as)
        lab.add(self)

    def _install(self):
        if os.path.isdir(os.path.join(self.data, "mysql")):
            return
        argv = ["mariadb-install-db", f"--defaults-file={self.conf}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db", "--skip-name-resolve"]
        if self.run_as is not None:
            argv.append(f"--user={self.run_as.pw_name}")
        run(argv)

    def _ready(self):
        try:
            self.connect().close()
            return True
        except pymysql.err.OperationalError:
            return False

    def start(self):
        self._install()
        self.process.start(self._ready, timeout=60)
        return self

    def stop(self):
        return self.process.stop(timeout=30)

    def kill(self):
        self.process.kill()

    def connect(self, database=None, account="root", **kwargs):
        """A connection; autocommit on, so that reads see what is committed."""
        kwargs.setdefault("autocommit", True)
        return pymysql.connect(
            unix_socket=self.socket, user=account, charset="utf8mb4",
            password=self.accounts.get(account, ""), database=database,
            init_command="SET time_zone = '+00:00'", **kwargs)

    def query(self, sql, args=None, database=None):
        """The rows of one statement, as root."""
        with self.connect(database) as c, c.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall()

    def script(self, text):
        """Run a file of statements as root, as `mariadb <FILE` would."""
        for statement in statements(text):
            self.query(statement)

    def account(self, name, password, grants=(), role=None):
        """Make a user with grants like "SELECT ON db.*", or with a role.

        Returns the path of a file that holds its password.
        """
        self.accounts[name] = password
        self.query(f"CREATE OR REPLACE USER `{name}`@localhost "
                   f"IDENTIFIED BY %s", (password,))
        for grant in grants:
            self.query(f"GRANT {grant} TO `{name}`@localhost")
        if role is not None:
            self.query(f"GRANT {role} TO `{name}`@localhost")
            self.query(f"SET DEFAULT ROLE {role} FOR `{name}`@localhost")
        path = os.path.join(self.directory, f"{name}.password")
        with open(path, "w", encoding="ascii") as f:
            f.write(password + "\n")
        os.chmod(path, 0o600)
        return path
