# SPDX-License-Identifier: BSD-2-Clause
"""What each program does for a message, a fetch or an event, counted.

Instructions (callgrind) and system calls (strace) come out the same on a
machine that others use, and tell of a change that no clock would show. The
unit is what the program is there for: a message of 30 kB through the milter,
a fetch of the pixel, an event of a busy host for shipper and collector. What
libraries do is in it, what the kernel does is not.
"""

import os
import signal

from bench.measure import Result
from bench.messages import message
from bench.rows.inject import spooled
from bench.work import Instructions, by_function, by_object, system_calls
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.nginx import Nginx
from tests.lib.postfix import Postfix, milter
from tests.lib.process import Lab, run, wait_for
from tests.lib.redis import Redis

NAME = "work"
ABOUT = "instructions and system calls a message, a fetch and an event"
LONG = True

TRACKED, UNTRACKED = "alice@example.org", "carol@example.org"
GROUP, STREAM = "mailtrail", "mailtrail:events"
TOKENS = 50
# Under callgrind a milter answers late.
PATIENT = {"milter_connect_timeout": "100s", "milter_command_timeout": "100s",
           "milter_content_timeout": "100s"}


class Scene:
    """One of our daemons, what it needs around it, and a load for it."""

    daemon = None  # its short name
    units = 0  # in a load
    least = 0  # bytes that each leaves in the spool

    def __init__(self, bench, lab):
        self.bench, self.lab = bench, lab
        self.count = self.units // (10 if bench.quick else 1)
        self.redis = Redis(lab).start()
        self.ours = Mailtrail(
            lab, bench.build, self.redis, MariaDB(lab).start(),
            "https://pixel.example.org", options={"pixel": {
                "threads": 4, "rate_limit": 1000000,
                "trusted_proxies": "127.0.0.1"}}).prepare()
        self.prepare()

    def load(self):
        """Send it; return when the daemon is through with it."""
        end = spooled(self.ours.spool) + self.least * self.count
        self.send()
        wait_for(lambda: spooled(self.ours.spool) >= end, 60,
                 f"{self.count} records of {self.daemon}")


class Marked(Scene):
    """A message that is marked."""

    daemon, units, sender, least = "milter", 100, TRACKED, 300

    def prepare(self):
        self.ours.command("track", "set", "mailbox", TRACKED, "identified")
        self.postfix = Postfix(self.lab, ports={"submission": self.sender},
                               milters=[milter(self.ours.milter_socket)],
                               settings=PATIENT)
        self.mail = os.path.join(self.lab.directory, "mail.eml")
        with open(self.mail, "wb") as f:
            f.write(message(30000).replace(b"\r\n", b"\n"))

    def start(self):
        self.postfix.start()

    def send(self):
        run(["smtp-source", "-s", "2", "-m", str(self.count), "-f",
             self.sender, "-t", "bob@example.com", "-F", self.mail,
             f"127.0.0.1:{self.postfix.port}"], timeout=300)


class Untracked(Marked):
    """A message that is not to be tracked."""

    sender = UNTRACKED


class Fetch(Scene):
    """A pixel that is fetched."""

    daemon, units, least = "pixel", 2000, 150

    def prepare(self):
        self.nginx = Nginx(self.lab, locations=Nginx.fastcgi(
            self.ours.pixel_socket))
        self.paths = os.path.join(self.lab.directory, "paths")
        with open(self.paths, "w", encoding="ascii") as f:
            for _ in range(TOKENS):
                token = self.ours.command("token", "make", "--mode",
                                          "pseudonymous").stdout.strip()
                f.write(f"/i/{token}.gif\n")

    def start(self):
        self.nginx.start()

    def send(self):
        self.bench.program("bench_load", self.nginx.port, self.paths, 8,
                           self.count)


class Ship(Scene):
    """An event that is shipped."""

    daemon, units, other = "ship", 20000, "collector"
    seed = 0

    def prepare(self):
        pass

    def start(self):
        self.ours.daemons[self.other].start_notify()
        with self.redis.connect() as c:
            wait_for(lambda: c.exists(STREAM) and self.group(c), 60,
                     "the stream and its group")

    @staticmethod
    def group(c):
        return [g for g in c.xinfo_groups(STREAM) if g["name"] == GROUP]

    def acknowledged(self, c, added):
        info, group = c.xinfo_stream(STREAM), self.group(c)[0]
        return info["entries-added"] >= added and group["pending"] == 0 and \
            group["last-delivered-id"] == info["last-generated-id"]

    def load(self):
        """As one batch after the other: the shipper finds them all there."""
        shipper = self.ours.daemons["ship"]
        shipper.signal(signal.SIGSTOP)
        self.seed += 1
        said = self.bench.program("bench_fill", self.ours.spool,
                                  "mx.example.org", self.count, self.seed)
        total = sum(int(word.partition("=")[2]) for word in said.split())
        with self.redis.connect() as c:
            before = c.xinfo_stream(STREAM)["entries-added"]
            shipper.signal(signal.SIGCONT)
            wait_for(lambda: self.acknowledged(c, before + total), 300,
                     "all events to be stored")


class Collect(Ship):
    """An event that is stored."""

    daemon, other = "collector", "ship"


# In the order of the table: name, scene.
SCENES = {"milter, marked": Marked, "milter, untracked": Untracked,
          "pixel": Fetch, "ship": Ship, "collector": Collect}


def most(counts, n, units, digits):
    """The first few of {name: count}, as a note."""
    order = sorted(counts.items(), key=lambda item: -item[1])[:n]
    return ", ".join(f"{name} {count / units:,.{digits}f}"
                     for name, count in order)


def instructions(scene):
    counted = Instructions(scene.ours.daemons[scene.daemon]).start()
    scene.start()
    scene.load()
    counted.dump()
    scene.load()
    return counted.dump()


def calls(scene):
    daemon = scene.ours.daemons[scene.daemon]
    daemon.start_notify()
    scene.start()
    scene.load()
    return system_calls(scene.lab, daemon, scene.load)


def measure(bench):
    for name, kind in SCENES.items():
        what = kind.__doc__.rstrip(".")
        for counted, of_scene in (("instructions", instructions),
                                  ("system calls", calls)):
            where = bench.directory(f"{kind.__name__}-{counted[0]}".lower())
            with Lab(where) as lab:
                scene = kind(bench, lab)
                costs, units = of_scene(scene), scene.count
            notes = [most(costs, 8, units, 2)]
            if counted == "instructions":
                notes = [most(by_object(costs), 6, units, 0),
                         most(by_function(costs), 8, units, 0)]
            yield Result(f"work, {name}, {counted}", f"{what}: {counted}", "",
                         "", [sum(costs.values()) / units], None, None, notes)
