# SPDX-License-Identifier: BSD-2-Clause
"""The servers that are broken: a mail host like a real one, with systemd's
part played by supervisor.py, small disks, and programs that are not root."""

import contextlib
import itertools
import json
import os
import secrets
import time

from tests.lib.disk import SmallDisk
from tests.lib.mariadb import MariaDB
from tests.lib.process import Failed, user, wait_for
from tests.lib.redis import Redis
from tests.lib.rotating import Log
from tests.lib.system import SENDER, System

from .copies import Copies, Readers
from .load import Load
from .logged import Logged, Stored
from .reports import Bounces, Redirects, Way, postfix
from .supervisor import Supervisor
from .verdict import Run, Window
from .witness import Witness

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
SEGMENT = "64k"     # so that a run of seconds sees several
_numbers = itertools.count(1)


class Scene:
    """A system under load.

    plain: Postfix and the signer alone, to compare with. faketime: our
    programs' clock is what set_clock() says. whole: with mailtrail-tail,
    mailtrail-feed and our plugin in rspamd, and mail that bounces.
    """

    def __init__(self, lab, build, seed=1, rate=25.0, connections=12,
                 plain=False, faketime=False, segment=SEGMENT,
                 spool_size="64m", db_size="2g", redis_size="256m",
                 share=0.5, whole=False):
        self.lab, self.seed = lab, seed
        self.rate, self.connections, self.share = rate, connections, share
        self.plain, self.whole, self.faketime = plain, whole, faketime
        lab.subdir("mailtrail")
        self.spool = SmallDisk(lab, "mailtrail/disk", spool_size)
        self.database = SmallDisk(lab, "mariadb", db_size)
        self.redis_disk = SmallDisk(lab, "redis", redis_size)
        options = {short: {"spool_segment": segment}
                   for short in ("milter", "pixel", "ship", "mailtrail",
                                 "tail", "feed")}
        # What a dead collector was given is taken over soon.
        options["collector"] = {"claim_ms": 3000}
        self.system = System(lab, build, options=options,
                             redis=Redis(lab, user="mailtrail",
                                         password=secrets.token_hex(16)),
                             mariadb=MariaDB(lab), inline=not plain,
                             spool=os.path.join(self.spool.path, "spool"),
                             **(self._whole(options) if whole else {}))
        self.ours = self.system.ours
        self.log = Log(self.system.postfix, mode=0o644)
        if whole:
            self.way = Way(lab, self.ours.feed_socket, "way")
        self.clock = lab.path("clock")
        self.set_clock("+0")
        if faketime:
            for daemon in self.ours.daemons.values():
                daemon.env = {"LD_PRELOAD": FAKETIME,
                              "FAKETIME_TIMESTAMP_FILE": self.clock,
                              "FAKETIME_NO_CACHE": "1",
                              "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.supervisor = Supervisor(self.ours.daemons)
        self.witness = Witness(self.ours.spool,
                               os.path.join(self.spool.path, "kept"))
        self.windows = []
        self.scarred = False  # whether the spool has lost anything
        self.damaged_heads = set()  # segments with one good head left
        self.logs = []        # where each round's began
        self.burnt = 0        # times that Redis could not read its file

    def _whole(self, options):
        """Arguments of System; rspamd appends where the others do."""
        self.state = SmallDisk(self.lab, "mailtrail/tail")
        options["tail"]["log"] = self.lab.path("postfix", "mail.log")
        return {"whole": True, "more": ("tail", "feed"),
                "account": user("nobody"),
                "postfix": postfix(self.lab.path("way.sock"))}

    # Its life

    def start(self):
        system = self.system
        system.redis.start()
        system.mariadb.start()
        self.ours.prepare()
        self.ours.command("track", "set", "mailbox", SENDER, "identified")
        self.ours.hand_over(user("nobody"))
        self.log.create()
        self.supervisor.start()
        self.witness.start()
        for server in (system.nginx, system.sink, system.rspamd,
                       system.postfix):
            server.start()
        return self

    def stop(self):
        self.system.postfix.stop()
        self.witness.stop()
        self.supervisor.stop()
        self.system.stop()

    # What faults need

    @property
    def redis(self):
        return self.system.redis

    @property
    def mariadb(self):
        return self.system.mariadb

    @property
    def postfix(self):
        return self.system.postfix

    def daemon(self, short):
        return self.ours.daemons[short]

    @contextlib.contextmanager
    def window(self, what):
        """`what` cannot do its work from here to there; see verdict.py."""
        w = Window(what, time.monotonic())
        self.windows.append(w)
        try:
            yield w
        finally:
            w.ended = time.monotonic()

    def set_clock(self, text):
        """Of our programs, such as "-3600"; by rename, so never half."""
        with open(self.clock + ".new", "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.rename(self.clock + ".new", self.clock)

    def wait_up(self, timeout=60.0):
        """Until every program of ours runs and has said it is ready."""
        wait_for(lambda: not self.supervisor.down(), timeout,
                 f"{self.supervisor.down()} to be started again")

    def start_server(self, name):
        """As its unit does. Redis 7.0 may leave a file, after its disk was
        full, that it cannot read; then as who knows that Redis may burn:
        without it."""
        server = getattr(self, name)
        try:
            server.start()
        except Failed:
            if "Bad file format" not in server.process.tail(3):
                raise
            self.redis.forget()
            server.start()
            self.burnt += 1

    def keep_servers(self):
        """Redis and MariaDB may end themselves, on a full disk for one; then
        their units start them again. What they said last, a text each."""
        said = []
        for name, server in (("redis", self.redis),
                             ("mariadb", self.mariadb)):
            if not server.process.running():
                code = server.process.wait()
                said.append(f"{name} ended itself with {code}: "
                            + server.process.tail(1)[:200])
                self.start_server(name)
        return said

    def doctor(self):
        """What `mailtrail doctor` finds: {"checks": [...], ...}."""
        return json.loads(self.ours.command("doctor", "--json",
                                            ok=(0, 1)).stdout)

    def status(self):
        return json.loads(self.ours.command("spool", "status",
                                            "--json").stdout)

    # A run

    @contextlib.contextmanager
    def run(self, name=None, rate=None):
        """Load from here to the end of the block, then every comparison:
        .check() of what is yielded. Returns when all is delivered and
        stored."""
        name = name or f"s{self.seed}.{next(_numbers)}"
        system = self.system
        readers = Readers(system.nginx.port, self.seed, self.share)
        load = Load(self.postfix.port, name, self.seed, rate or self.rate,
                    self.connections)
        copies = Copies(system.sink, load.sent, readers.tell)
        self.windows = []
        lost = self.lost()
        run = Run(load, copies, readers, None if self.plain else self.witness,
                  self.windows, self._query, [], 0)
        self.load = load
        self.bounces = Bounces(self.postfix.port, name)
        self.redirects = Redirects(self.postfix.port, name)
        # First those who watch, so that they miss nothing.
        copies.start()
        readers.start()
        load.start()
        if self.whole:
            self.bounces.start()
            self.redirects.start()
        try:
            yield run
        finally:
            self.bounces.end()
            self.redirects.end()
            load.stop()
            if self.whole:
                self.bounces.stop()
                self.redirects.stop()
            self.postfix.flush()
            self.postfix.wait_empty(120)
            copies.stop()
            readers.stop()
        self.settle()
        run.lost = self.lost() - lost
        run.dead = self.dead()
        self.witness.look()
        if self.whole:
            run.bounces, run.redirects = self.bounces, self.redirects
            run.logged = Logged(self.log.lines())
            run.stored = Stored(self._query)

    def _query(self, sql, args):
        return self.system.query(sql, args)

    def settle(self, timeout=120.0):
        """Until everything that was accepted is stored."""
        if self.plain:
            return
        self.wait_up()
        if self.whole:
            wait_for(self._log_read, timeout, "the log to be read")
        self.system.wait_stored(timeout)

    def _log_read(self):
        """The state of mailtrail-tail says so, a second after the fact."""
        st = os.stat(self.log.path)
        with open(os.path.join(self.state.path, "tail.state"),
                  encoding="ascii") as f:
            place = next((line.split() for line in f
                          if line.startswith("place ")), [0] * 5)
        return (int(place[2]), int(place[4])) == (st.st_ino, st.st_size)

    def lost(self):
        return 0 if self.plain else self.status()["lost"]["records"]

    def dead(self):
        if self.plain:
            return []
        with self.redis.connect() as c:
            return [fields.get("reason", fields) for _, fields in c.xrange(
                self.ours.values["redis_stream"] + ":dead")]
