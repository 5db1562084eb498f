# SPDX-License-Identifier: BSD-2-Clause
"""Mail logs: how fast they are read, and stored.

Parsing: `mailtrail import --dry-run` beside pflogsumm, one process each on
the same file. Storing: the clock runs from the start of `mailtrail import`
until the collector has acknowledged, after COMMIT, all events of the log;
beside LOAD DATA of the rows that came of it (see store.py). Following: what
mailtrail-tail takes for a log that grows by 5,000 lines a second.
"""

import json
import os
import subprocess
import time

from bench import maillog
from bench.measure import Goal, Result, pairs
from bench.rows.memory import status
from bench.rows.store import STREAM, Rig, cpu
from tests.lib.process import Failed, wait_for
from tests.lib.tailing import Tail

NAME = "import"
ABOUT = "mail logs read, stored and followed"
LONG = False

RATE = 5000  # lines a second that are followed
STEPS = 100  # writes a second


def seconds_of(argv):
    start = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        raise Failed(f"{argv[0]}: {done.stderr.decode()}")
    return seconds


def parsing(bench):
    path = bench.lab.path("parse.log")
    n = maillog.write(path, 50000 if bench.quick else 200000)
    ours = [bench.executable("mailtrail"), "import", "--dry-run", path]
    theirs = ["pflogsumm", path]
    measured = pairs(bench.pairs, lambda: n / seconds_of(ours),
                     lambda: n / seconds_of(theirs))
    os.unlink(path)
    return Result("import, parsing",
                  f"a log of {n // 1000} k lines, import --dry-run",
                  "pflogsumm", "lines/s", *measured, Goal(">=", 10))


class Logs(Rig):
    """A log instead of made-up events."""

    def __init__(self, bench):
        super().__init__(bench)
        self.log = bench.lab.path("mail.log")
        self.lines = maillog.write(self.log,
                                   20000 if bench.quick else 200000)
        self.import_cpu = 0.0

    def ship(self):
        """(events, seconds) from the log to committed rows."""
        for table in self.tables:
            self.mariadb.query(f"TRUNCATE TABLE {table}", database="mailtrail")
        used = {n: cpu(p.pid) for n, p in self.processes.items()}
        with self.redis.connect() as c:
            before = c.xinfo_stream(STREAM)["entries-added"]
            start = time.monotonic()
            said = json.loads(self.ours.command("import", "--json",
                                                self.log).stdout)
            total = sum(said["events"].values())
            seconds = self.wait(c, before + total) - start
        for name, process in self.processes.items():
            self.spent[name] += cpu(process.pid) - used[name]
        for kind, n in said["events"].items():
            found = self.count("mailtrail", f"ev_{kind}")
            if found != n:
                raise Failed(f"ev_{kind}: {found} rows instead of {n}")
        return total, seconds


def storing(bench):
    rig = Logs(bench)
    ours, theirs, events = [], [], 0
    for i in range(-1, bench.pairs):
        total, seconds = rig.ship()
        loaded = rig.load()
        events += total
        if i >= 0:
            ours.append(rig.lines / seconds)
            theirs.append(rig.lines / loaded)
    rig.ours.check_logs()
    rows = sum(rig.count("mailtrail", table) for table in rig.tables)
    return Result(
        "import, storing",
        f"a log of {rig.lines // 1000} k lines to {rows // 1000} k committed "
        "rows", "LOAD DATA of the same final rows", "lines/s", ours, theirs,
        Goal(">=", 0.5),
        ["CPU an event: " + ", ".join(
            f"{name} {1e6 * spent / events:.1f} µs"
            for name, spent in rig.spent.items())])


def following(bench):
    path = bench.lab.path("follow.log")
    seconds = 2 if bench.quick else 10
    n = maillog.write(path, RATE * seconds)
    with open(path, "rb") as f:
        lines = f.readlines()
    tail = Tail(bench.lab, bench.build).start()
    step, spent = RATE // STEPS, []
    for run in range(1 + bench.pairs // 5):
        used, start = cpu(tail.process.pid), time.monotonic()
        for i in range(0, n, step):
            tail.write(b"".join(lines[i:i + step]))
            due = start + (i + step) / RATE
            time.sleep(max(0.0, due - time.monotonic()))
        # The state, written each second, says how far it is.
        wait_for(lambda: int(tail.saved()["count"][0]) == n * (run + 1), 5,
                 f"{n * (run + 1)} lines to be read")
        spent.append((cpu(tail.process.pid) - used) * RATE / n)
    what = f"a log that grows by {RATE:,} lines/s for {seconds} s, followed"
    peak = status(tail.process.pid, "VmHWM")
    tail.stop()
    yield Result("tail, time", f"{what}: CPU time a second", "", "s", spent,
                 None, Goal("<=", 1))
    yield Result("tail, memory", f"{what}: most that was resident", "", "MB",
                 [peak], None, Goal("<=", 64))


def measure(bench):
    yield parsing(bench)
    yield storing(bench)
    yield from following(bench)
