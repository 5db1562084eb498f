# SPDX-License-Identifier: BSD-2-Clause
"""What each daemon keeps resident, idle and at the peak of a load.

Idle is VmRSS two seconds after the start; the peak is VmHWM after mail from
20 connections, pixel fetches and a spool full of events. RssAnon, in the
notes, is what a daemon has of its own: the rest are pages of the libraries
it shares with others.
"""

import time

from bench.measure import Goal, Result
from bench.messages import message
from bench.rows.store import STREAM
from tests.lib.client import Crowd
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.nginx import Nginx
from tests.lib.postfix import Postfix, milter
from tests.lib.process import Failed, wait_for
from tests.lib.redis import Redis

NAME = "memory"
ABOUT = "resident memory of each daemon, idle and under load"
LONG = False

SENDER = "alice@example.org"
CONNECTIONS = 20
SIZE = 100000
NAMES = {"milter": "mailtrail-milter", "ship": "mailtrail-ship",
         "collector": "mailtrail-collector", "pixel": "mailtrail-pixel"}


def status(pid, name):
    """A line of /proc/<pid>/status, in MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024 / 1e6
    raise Failed(f"/proc/{pid}/status: no {name}")


class Rig:

    def __init__(self, bench):
        lab = bench.lab
        self.bench = bench
        self.redis = Redis(lab).start()
        self.nginx = Nginx(lab, locations=Nginx.fastcgi(
            lab.path("mailtrail", "run", "pixel.sock")))
        self.ours = Mailtrail(lab, bench.build, self.redis,
                              MariaDB(lab).start(), self.nginx.url)
        self.ours.prepare()
        self.ours.command("track", "set", "mailbox", SENDER, "pseudonymous")
        self.ours.start()
        self.nginx.start()
        self.postfix = Postfix(lab, ports={"submission": SENDER}, milters=[
            milter(self.ours.milter_socket)]).start()

    def all(self, name):
        return {short: status(daemon.pid, name)
                for short, daemon in self.ours.daemons.items()}

    def load(self):
        """Everything at once, until all of it is stored."""
        few = self.bench.quick
        mail = [(f"<{i}@bench.example>", SENDER, ["bob@example.com"],
                 message(SIZE, message_id=f"{i}@bench.example"))
                for i in range(200 if few else 2000)]
        crowd = Crowd(self.postfix.port, mail,
                      connections=CONNECTIONS).start()
        self.bench.program("bench_fill", self.ours.spool, "mx2.example.org",
                           20000 if few else 200000, 1)
        tokens = [self.ours.command("token", "make").stdout.strip()
                  for _ in range(50)]
        paths = self.bench.file("paths", "".join(
            f"/i/{t}.gif\n" for t in tokens).encode())
        self.bench.program("bench_load", self.nginx.port, paths, 32,
                           5000 if few else 50000)
        crowd.join()
        self.postfix.wait_empty()
        wait_for(self.stored, 300, "all events to be stored", interval=0.1)

    def stored(self):
        with self.redis.connect() as c:
            last = c.xinfo_stream(STREAM)["last-generated-id"]
            time.sleep(1.5)  # what the shipper has not yet read
            info = c.xinfo_stream(STREAM)
            return info["last-generated-id"] == last and all(
                g["pending"] == 0 for g in c.xinfo_groups(STREAM))


def measure(bench):
    rig = Rig(bench)
    time.sleep(2)
    idle, own = rig.all("VmRSS"), rig.all("RssAnon")
    rig.load()
    peak, own_after = rig.all("VmHWM"), rig.all("RssAnon")
    # "plus the messages in flight": the milter's are on top.
    in_flight = {"milter": CONNECTIONS * SIZE * 2.2 / 1e6}
    for short, name in NAMES.items():
        yield Result(f"memory, {short}, idle", f"{name}, resident when idle",
                     "", "MB", [idle[short]], None, Goal("<=", 10),
                     [f"of its own {own[short]:.1f} MB"])
        yield Result(f"memory, {short}, load", f"{name}, resident at most "
                     "under load", "", "MB", [peak[short]], None,
                     Goal("<=", 64 + in_flight.get(short, 0)),
                     [f"of its own, after it, {own_after[short]:.1f} MB"])
