# SPDX-License-Identifier: BSD-2-Clause
"""A shipper on a spool, and a store that stands for the collectors."""

import itertools
import os
import re
import subprocess

import redis as client

from .process import Process, wait_for

STREAM, GROUP = "mailtrail:events", "mailtrail"
KEYS = ("t", "at", "host", "queue_id", "token", "rcpt", "twin")
_numbers = itertools.count(1)


class Store:
    """What the collectors have stored, in memory that survives everything."""

    def __init__(self):
        self.keys = set()
        self.seen = 0

    def take(self, server, count=5000, acknowledge=True):
        """Read once; how many entries there were."""
        with server.connect() as c:
            try:
                got = c.xreadgroup(GROUP, "test", {STREAM: ">"}, count=count)
            except client.exceptions.ResponseError as error:
                if "NOGROUP" in str(error):
                    return 0
                raise
            entries = got[0][1] if got else []
            for _, fields in entries:
                self.keys.add(tuple(fields.get(k) for k in KEYS))
            self.seen += len(entries)
            if entries and acknowledge:
                c.xack(STREAM, GROUP, *[i for i, _ in entries])
                c.xtrim(STREAM, minid=entries[-1][0], approximate=False)
            return len(entries)

    def wait(self, n, *servers, timeout=30):
        """Until n different events have come."""
        def enough():
            for server in servers:
                try:
                    while self.take(server):
                        pass
                except client.exceptions.RedisError:
                    pass  # it is being started
            return len(self.keys) >= n
        wait_for(enough, timeout, f"{n} events, {len(self.keys)} are there")
        assert len(self.keys) == n


class Ship:
    """A spool and the shipper on it."""

    def __init__(self, lab, build, endpoints, **options):
        self.build = build
        self.directory = lab.subdir(f"ship{next(_numbers)}")
        self.spool = os.path.join(self.directory, "spool")
        os.mkdir(self.spool, 0o770)
        self.conf = os.path.join(self.directory, "ship.conf")
        self.options = {"host": "mx.example.org", "spool_dir": self.spool,
                        "redis": endpoints, "redis_timeout_ms": 2000,
                        "retry_max_ms": 300, **options}
        self.configure()
        self.process = lab.add(Process(
            "ship", [build / "shipper/mailtrail-ship", "-c", self.conf],
            self.directory))

    def configure(self, **options):
        self.options.update(options)
        with open(self.conf, "w", encoding="ascii") as f:
            for name, value in self.options.items():
                f.write(f"{name} = {value}\n")

    def start(self):
        self.process.start_notify()
        return self

    def restart(self, kill=True):
        if kill:
            self.process.kill()
        else:
            assert self.process.stop() == 0
        self.start()

    def producer(self, count, *options, kind="message", seed=None,
                 segment="64k"):
        """A running spool_put; wait for it with done()."""
        seed = next(_numbers) % 500 if seed is None else seed
        return subprocess.Popen(
            [self.build / "tests/tools/spool_put", "-n", str(count), "-k",
             kind, "-s", str(seed), "-g", segment, *options, self.spool],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def put(self, count, *options, **kwargs):
        """Put events and return how many it were."""
        return done(self.producer(count, *options, **kwargs))

    def segments(self):
        return sorted(n for n in os.listdir(self.spool)
                      if n.endswith(".seg"))

    def log(self):
        return self.process.text()

    def wait_log(self, pattern, timeout=15):
        wait_for(lambda: re.search(pattern, self.log()), timeout,
                 f"{pattern!r} in the shipper's log:\n{self.log()}")


def done(producer):
    text = producer.communicate(timeout=60)[0].decode()
    assert producer.returncode == 0, text
    return int(re.match(r"events=(\d+) failed=0 ", text).group(1))
