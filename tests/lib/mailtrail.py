# SPDX-License-Identifier: BSD-2-Clause
"""Mailtrail itself: its programs, configured for private servers."""

import itertools
import os
import secrets

from .process import Failed, Process, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# By name, since a view's definer may not have its rights through a role.
OWNER = ("SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, "
         "CREATE VIEW, SHOW VIEW ON *.*",)

# Where CMake leaves each program in a build directory.
PROGRAMS = {
    "collector": "collector/mailtrail-collector",
    "ship": "shipper/mailtrail-ship",
    "pixel": "pixel-cgi/mailtrail-pixel",
    "milter": "milter/mailtrail-milter",
    "tail": "tail/mailtrail-tail",
    "feed": "feed/mailtrail-feed",
    "mailtrail": "ctl/mailtrail",
}
# The daemons every system has; the others stand beside them where a test
# wants them.
DAEMONS = ("collector", "ship", "pixel", "milter")


def built(build):
    """Whether every program is there."""
    return all(os.access(os.path.join(build, p), os.X_OK)
               for p in PROGRAMS.values())


class Mailtrail:
    """Command and daemons around one Redis and one MariaDB.

    prepare() makes database, schema, keys and an empty policy; start() starts
    the daemons and returns when each has said that it is ready. These are
    DAEMONS and `more`: "feed", which listens at feed_socket, and "tail", which
    follows what options["tail"]["log"] says. The spool may stand elsewhere, such
    as on a disk of its own.
    """

    def __init__(self, lab, build, redis, mariadb, pixel_url,
                 host="mx.example.org", database="mailtrail",
                 stream="mailtrail:events", name="mailtrail", options=None,
                 more=(), spool=None):
        self.build = os.fspath(build)
        self.redis, self.mariadb = redis, mariadb
        self.database, self.host = database, host
        self.directory = lab.subdir(name)
        self.spool = spool or lab.subdir(f"{name}/spool")
        os.makedirs(self.spool, exist_ok=True)
        os.chmod(self.spool, 0o2770)
        # Postfix's daemons and nginx's workers come to the sockets.
        self.sockets = lab.subdir(f"{name}/run", mode=0o755)
        self.milter_socket = os.path.join(self.sockets, "milter.sock")
        self.pixel_socket = os.path.join(self.sockets, "pixel.sock")
        self.feed_socket = os.path.join(self.sockets, "feed.sock")
        self.options = options or {}
        self.values = {
            "host": host,
            "log_personal": "yes",
            "spool_dir": self.spool,
            "redis": f"unix:{redis.socket}",
            "redis_stream": stream,
            "db_socket": mariadb.socket,
            "db_name": database,
            "token_keys": os.path.join(self.directory, "token.keys"),
            "policy_snapshot": os.path.join(self.directory,
                                            "policy.snapshot"),
            "day_key": os.path.join(self.directory, "day.key"),
            "pixel_url": pixel_url,
        }
        if redis.user is not None:
            self.values["redis_user"] = redis.user
            self.values["redis_password_file"] = redis.password_file
        self.daemons = {short: self._process(lab, short)
                        for short in (*DAEMONS, *more)}

    def _process(self, lab, short):
        return lab.add(Process(
            short, [os.path.join(self.build, PROGRAMS[short]), "-c",
                    self.conf(short)], self.directory))

    def hand_over(self, account):
        """All that is prepared to a user, who runs the daemons."""
        places = [self.directory, self.spool]
        for directory, _, names in itertools.chain(
                *(os.walk(p) for p in places)):
            for path in (directory, *(os.path.join(directory, n)
                                      for n in names)):
                os.chown(path, account.pw_uid, account.pw_gid)
        files = list(self.passwords.values())
        if self.redis.password_file is not None:
            files.append(self.redis.password_file)
        for path in files:
            os.chown(path, account.pw_uid, account.pw_gid)
        for daemon in self.daemons.values():
            daemon.run_as = account

    def conf(self, short):
        return os.path.join(self.directory, f"{short}.conf")

    def command(self, *args, **kwargs):
        """Run `mailtrail ...`; the result of process.run()."""
        return run([os.path.join(self.build, PROGRAMS["mailtrail"]),
                    "-c", self.conf("mailtrail"), *args], **kwargs)

    def _known(self, short):
        """The options the program has, from its own list of defaults."""
        flag = "--defaults" if short == "mailtrail" else "-d"
        listing = run([os.path.join(self.build, PROGRAMS[short]), flag])
        return {line.partition("=")[0].strip()
                for line in listing.stdout.splitlines() if "=" in line}

    def _write_conf(self, short):
        known = self._known(short)
        values = {k: v for k, v in self.values.items() if k in known}
        values.update(self.own_values(short))
        values.update(self.options.get(short, {}))
        with open(self.conf(short), "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n" for k, v in values.items())

    def follower(self, lab, log):
        """mailtrail-tail on a log, to be started when that is there."""
        self.options["tail"] = {"log": log}
        self._write_conf("tail")
        return self._process(lab, "tail")

    def own_values(self, short):
        """What only this program is told."""
        account = {"collector": "collector",
                   "mailtrail": "owner"}.get(short)
        values = {}
        if account is not None:
            values["db_user"] = f"test_{account}"
            values["db_password_file"] = self.passwords[account]
        if short == "milter":
            values["listen"] = f"unix:{self.milter_socket}"
            values["listen_mode"] = "0666"
        if short in ("pixel", "feed"):
            values["listen"] = f"unix:{self.sockets}/{short}.sock"
            values["listen_mode"] = "0666"
        if short == "tail":
            values["state_dir"] = os.path.join(self.directory, "tail")
            os.makedirs(values["state_dir"], exist_ok=True)
        return values

    def prepare(self):
        """Database, roles, accounts, schema, key; what exists is kept."""
        self.make_database(self.database)
        self.passwords = {
            role: self.mariadb.account(f"test_{role}", secrets.token_hex(16),
                                       role=f"mailtrail_{role}")
            for role in ("collector", "reader")}
        self.passwords["owner"] = self.mariadb.account(
            "test_owner", secrets.token_hex(16), OWNER)
        for short in (*self.daemons, "mailtrail"):
            self._write_conf(short)
        self.command("schema", "migrate")
        self.mariadb.script(self.sql("grants.sql"))
        if not os.path.exists(self.values["token_keys"]):
            self.command("key", "new")
        return self

    def make_database(self, database):
        """With its roles; any number of them in one server."""
        self.mariadb.script(self.sql("database.sql", database))

    def migrations(self):
        """The names of the files of schema/ that are migrations."""
        return sorted(n for n in os.listdir(os.path.join(ROOT, "schema"))
                      if n[0].isdigit())

    def sql(self, name, database=None):
        """A file of schema/ for a database; ours unless named."""
        with open(os.path.join(ROOT, "schema", name),
                  encoding="utf-8") as f:
            return f.read().replace("`mailtrail`",
                                    f"`{database or self.database}`")

    def start(self):
        for daemon in self.daemons.values():
            daemon.start_notify()
        return self

    def stop(self):
        for daemon in reversed(list(self.daemons.values())):
            daemon.stop()

    def check_logs(self):
        """Unexpected errors fail a test: no daemon logged one."""
        for short, daemon in self.daemons.items():
            for line in daemon.text().splitlines():
                if line.startswith("<3>"):
                    raise Failed(f"mailtrail-{short} logged: {line}")
