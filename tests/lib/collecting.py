# SPDX-License-Identifier: BSD-2-Clause
"""Collectors between a real Redis and a real MariaDB, and what must stand in
the tables in the end."""

import os

from .process import Process, run, wait_for
from . import events as ev

EX_CONFIG = 78
DAY = 86400 * 1_000_000


class Collecting:
    """Collectors around a stream of their own and a migrated database."""

    def __init__(self, build, lab, redis, mariadb, database, stream):
        self.build, self.lab = build, lab
        self.redis, self.mariadb = redis, mariadb
        self.database, self.stream = database, stream
        self.directory = lab.subdir(f"collecting-{database}")
        self.values = {
            "host": "c1.example.org",
            "redis": f"unix:{redis.socket}",
            "redis_stream": stream,
            "db_socket": mariadb.socket,
            "db_name": database,
            "db_user": "root",
            "log_personal": "yes",
        }
        self.daemons = []

    def conf(self, name, **options):
        path = os.path.join(self.directory, f"{name}.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n"
                         for k, v in {**self.values, **options}.items())
        return path

    def mailtrail(self, *args, **kwargs):
        known = ("redis", "redis_stream", "db_socket", "db_name", "db_user")
        path = os.path.join(self.directory, "mailtrail.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {self.values[k]}\n" for k in known)
        return run([self.build / "ctl" / "mailtrail", "-c", path, *args],
                   **kwargs)

    def migrate(self):
        self.mailtrail("schema", "migrate")
        return self

    def process(self, name="collector", **options):
        options.setdefault("consumer", name)
        daemon = Process(name, [
            self.build / "collector" / "mailtrail-collector",
            "-c", self.conf(name, **options)], self.directory)
        self.daemons.append(self.lab.add(daemon))
        return daemon

    def start(self, name="collector", **options):
        return self.process(name, **options).start_notify()

    def add(self, events):
        return ev.add(self.redis, self.stream, events)

    def left(self):
        """Entries in the stream, acknowledged or not."""
        with self.redis.connect() as c:
            return c.xlen(self.stream)

    def wait_stored(self, timeout=60):
        wait_for(lambda: self.left() == 0, timeout,
                 "the stream to be stored, acknowledged and trimmed")

    def query(self, sql, args=None):
        return self.mariadb.query(sql, args, database=self.database)

    def count(self, table):
        return self.query(f"SELECT COUNT(*) FROM `{table}`")[0][0]

    def dead(self):
        with self.redis.connect() as c:
            return [fields for _, fields in c.xrange(f"{self.stream}:dead")]

    def dump(self, tables=ev.TABLES):
        return ev.dump(self.mariadb, self.database, tables)

    def stop(self):
        for daemon in self.daemons:
            if daemon.running():
                assert daemon.stop() == 0, daemon.tail()


def unique(events, kind, *keys):
    return len({tuple(e[k] for k in keys) for e in events if e["t"] == kind})


def assert_stored(c, events):
    """Each event once, and every sum as the event tables have it."""
    key = ("at", "host", "queue_id")
    assert c.count("ev_offer") == unique(events, "offer", *key)
    assert c.count("ev_rcpt") == unique(events, "rcpt", *key, "rcpt")
    assert c.count("ev_mark") == unique(events, "mark", *key, "token")
    assert c.count("ev_open") == unique(events, "open", "at", "token",
                                        "host", "twin")
    assert_folded(c.query)


def assert_folded(query):
    """Every sum is what the event tables have."""
    def one(sql):
        return query(sql)[0][0]

    offers = one("SELECT COUNT(*) FROM ev_offer")
    assert query("SELECT COALESCE(SUM(offers), 0), "
                 "COALESCE(SUM(recipients), 0), COALESCE(SUM(marks), 0) "
                 "FROM message") == ((
                     offers, one("SELECT COUNT(*) FROM ev_rcpt"),
                     one("SELECT COUNT(*) FROM ev_mark")),)
    assert one("SELECT COALESCE(SUM(n), 0) FROM counter "
               "WHERE what = 'offer'") == offers
    truth = query(
        "SELECT m.born, m.host, m.queue_id, COUNT(*), MIN(e.at), MAX(e.at), "
        "SUM(e.class IN ('human_likely', 'proxied_possible')) "
        "FROM ev_open e JOIN token t ON t.token = e.token JOIN message m "
        "ON m.born = t.born AND m.host = t.host AND m.queue_id = t.queue_id "
        "WHERE m.offers > 0 AND "
        "e.at >= DATE(m.born) - INTERVAL 1 DAY "
        "GROUP BY m.born, m.host, m.queue_id ORDER BY 1, 2, 3")
    assert query(
        "SELECT born, host, queue_id, opens, open_first, open_last, "
        "opens_human_likely + opens_proxied_possible FROM v_message "
        "WHERE opens > 0 ORDER BY 1, 2, 3") == truth
    assert one("SELECT COALESCE(SUM(n), 0) FROM counter "
               "WHERE what = 'open'") == sum(row[3] for row in truth)
    assert one("SELECT COALESCE(SUM(n), 0) FROM counter "
               "WHERE what = 'opened'") == len(truth)
