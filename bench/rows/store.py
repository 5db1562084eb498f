# SPDX-License-Identifier: BSD-2-Clause
"""From spool segments to committed rows, beside LOAD DATA of these rows.

Ours: the shipper is held (SIGSTOP) while a spool is filled with the events of
a busy host; the clock runs from letting it go until the collector has
acknowledged all of them, which it does after COMMIT. Theirs: the rows that
came of it, every column of every table, from files in the order of the
primary keys into empty tables of the same shape, one table after the other.
Both write to the same MariaDB.
"""

import os
import signal
import time

from bench.measure import Goal, Result
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.process import Failed
from tests.lib.redis import Redis

NAME = "store"
ABOUT = "spool to committed rows with one collector, beside LOAD DATA"
LONG = False

OURS, THEIRS = "mailtrail", "loaded"
GROUP, STREAM = "mailtrail", "mailtrail:events"


def cpu(pid):
    """Seconds of CPU that a process has had, all threads of it."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Rig:

    def __init__(self, bench):
        self.bench = bench
        self.events = 20000 if bench.quick else 100000
        self.runs = 0
        lab = bench.lab
        self.mariadb = MariaDB(lab, buffer_pool="256M", settings=(
            "innodb_log_file_size = 256M",)).start()
        self.redis = Redis(lab).start()
        self.ours = Mailtrail(lab, bench.build, self.redis, self.mariadb,
                              "https://pixel.example.org", database=OURS)
        self.ours.prepare()
        for short in ("ship", "collector"):
            self.ours.daemons[short].start_notify()
        self.processes = {
            "mailtrail-ship": self.ours.daemons["ship"],
            "redis-server": self.redis.process,
            "mailtrail-collector": self.ours.daemons["collector"],
            "mariadbd": self.mariadb.process}
        self.spent = dict.fromkeys([*self.processes, "LOAD DATA"], 0.0)
        self.tables = self.find_tables()
        self.mariadb.query(f"CREATE DATABASE {THEIRS}")

    def find_tables(self):
        """What events are folded into: table -> its stored columns."""
        rows = self.mariadb.query(
            "SELECT c.table_name, c.column_name FROM "
            "information_schema.columns c JOIN information_schema.tables t "
            "USING (table_schema, table_name) WHERE table_schema = %s AND "
            "t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' AND "
            "c.table_name NOT IN ('schema_migration', 'policy_rule', "
            "'consent') ORDER BY 1, c.ordinal_position", (OURS,))
        tables = {}
        for table, column in rows:
            tables.setdefault(table, []).append(f"`{column}`")
        return tables

    def fill(self):
        """Events into the spool; how many rows must come of each kind."""
        self.runs += 1
        words = self.bench.program("bench_fill", self.ours.spool,
                                   "mx.example.org", self.events,
                                   self.runs).split()
        return {f"ev_{k}": int(n)
                for k, n in (word.split("=") for word in words)}

    @staticmethod
    def acknowledged(c, added):
        """Whether so many entries went through the stream, and are done."""
        info = c.xinfo_stream(STREAM)
        if info["entries-added"] < added:
            return False
        group = [g for g in c.xinfo_groups(STREAM) if g["name"] == GROUP][0]
        return group["pending"] == 0 and \
            group["last-delivered-id"] == info["last-generated-id"]

    def wait(self, c, added):
        """Until all is stored, to ten milliseconds; the time it was."""
        end = time.monotonic() + 300
        while not self.acknowledged(c, added):
            if time.monotonic() > end:
                raise Failed(f"waited 300 s in vain for entry {added}")
            time.sleep(0.01)
        return time.monotonic()

    def ship(self):
        """(events, seconds) from the spool to committed rows."""
        for table in self.tables:
            self.mariadb.query(f"TRUNCATE TABLE {table}", database=OURS)
        shipper = self.ours.daemons["ship"]
        shipper.signal(signal.SIGSTOP)
        expected = self.fill()
        total = sum(expected.values())
        used = {n: cpu(p.pid) for n, p in self.processes.items()}
        with self.redis.connect() as c:
            before = c.xinfo_stream(STREAM)["entries-added"]
            start = time.monotonic()
            shipper.signal(signal.SIGCONT)
            seconds = self.wait(c, before + total) - start
        for name, process in self.processes.items():
            self.spent[name] += cpu(process.pid) - used[name]
        for table, n in expected.items():
            found = self.count(OURS, table)
            if found != n:
                raise Failed(f"{table}: {found} rows instead of {n}")
        return total, seconds

    def count(self, database, table):
        return self.mariadb.query(f"SELECT COUNT(*) FROM {table}",
                                  database=database)[0][0]

    def load(self):
        """Seconds that LOAD DATA takes for the rows there are now."""
        seconds = 0.0
        for table, columns in self.tables.items():
            listed = ", ".join(columns)
            path = os.path.join(self.mariadb.directory, f"{table}.rows")
            self.mariadb.query(
                f"SELECT {listed} FROM {table} INTO OUTFILE '{path}' "
                "CHARACTER SET utf8mb4", database=OURS)
            self.mariadb.query(f"CREATE TABLE {table} LIKE {OURS}.{table}",
                               database=THEIRS)
            start = time.monotonic()
            used = cpu(self.mariadb.process.pid)
            self.mariadb.query(
                f"LOAD DATA INFILE '{path}' INTO TABLE {table} "
                f"CHARACTER SET utf8mb4 ({listed})", database=THEIRS)
            seconds += time.monotonic() - start
            self.spent["LOAD DATA"] += cpu(self.mariadb.process.pid) - used
            if self.count(THEIRS, table) != self.count(OURS, table):
                raise Failed(f"{table}: LOAD DATA did not load all rows")
            self.mariadb.query(f"DROP TABLE {table}", database=THEIRS)
            os.unlink(path)
        return seconds


def measure(bench):
    rig = Rig(bench)
    ours, theirs, total = [], [], 0
    # What is loaded are the rows of the pair's first half: A B A B as usual.
    for i in range(-1, bench.pairs):
        events, seconds = rig.ship()
        loaded = rig.load()
        total += events
        if i >= 0:
            ours.append(events / seconds)
            theirs.append(events / loaded)
    rig.ours.check_logs()
    what = f"{rig.events // 1000} k events from the spool to committed rows"
    yield Result("store", what, "LOAD DATA of the same final rows",
                 "events/s", ours, theirs, Goal(">=", 0.5),
                 ["CPU an event: " + ", ".join(
                     f"{name} {1e6 * spent / total:.1f} µs"
                     for name, spent in rig.spent.items())])
    yield Result("store, rate", what, "", "events/s", ours, None,
                 Goal(">=", 40000))
