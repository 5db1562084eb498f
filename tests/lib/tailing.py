# SPDX-License-Identifier: BSD-2-Clause
"""A mailtrail-tail with its own spool and state, and lines for it to read."""

import itertools
import os
import re
import subprocess
import time

from . import spooled
from .events import long_queue_id
from .process import Process, wait_for

_numbers = itertools.count(1)


def queue_id(n):
    """A long queue id, the n-th."""
    return long_queue_id(1_795_000_000_000_000 + n * 1000, 123_456)


def removed(n, at=None):
    """A line of qmgr, as traditional syslog has it: one `queue` event."""
    stamp = time.strftime("%b %e %H:%M:%S", time.localtime(at))
    return f"{stamp} mx postfix/qmgr[77]: {queue_id(n)}: removed\n".encode()


class Tail:
    """The program, the directory of its logs, and its spool."""

    def __init__(self, lab, build, *words, **options):
        self.build = build
        self.directory = lab.subdir(f"tail{next(_numbers)}")
        self.spool = os.path.join(self.directory, "spool")
        self.state = os.path.join(self.directory, "state")
        os.mkdir(self.spool, 0o770)
        self.conf = os.path.join(self.directory, "tail.conf")
        self.options = {"host": "mx.example.org", "spool_dir": self.spool,
                        "state_dir": self.state,
                        "log": " ".join(words) or self.path("mail.log"),
                        **options}
        self.spooled, self.seen = spooled.Spooled(self.spool), set()
        self.configure()
        self.program = lab.program(build / "tail/mailtrail-tail")
        self.process = lab.add(Process(
            "tail", [self.program, "-c", self.conf], self.directory))

    def path(self, name):
        return os.path.join(self.directory, name)

    def configure(self, **options):
        self.options.update(options)
        with open(self.conf, "w", encoding="utf-8") as f:
            for name, value in self.options.items():
                f.write(f"{name} = {value}\n")

    def start(self):
        self.process.start_notify()
        return self

    def stop(self):
        assert self.process.stop() == 0, self.log()

    def restart(self, kill=True):
        if kill:
            self.process.kill()
        else:
            self.stop()
        self.start()

    def write(self, data, name="mail.log"):
        with open(self.path(name), "ab", buffering=0) as f:
            f.write(data)

    def read_once(self, data, *options, ok=0):
        """Give it on standard input, to the end; what it logged."""
        done = subprocess.run(
            [self.program, "-c", self.conf, *options, "-"], input=data,
            stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == ok, done.stderr
        return done.stderr.decode()

    def events(self, *kinds):
        return spooled.events(self.spool, *kinds)

    def keys(self, kind="queue"):
        """Different keys so far: what the store makes rows of."""
        self.seen.update(spooled.line_key(e) for e in self.spooled.more())
        return {k for k in self.seen if k[0] == kind}

    def wait(self, n, kind="queue", timeout=20):
        """Until there are n different events, and not more."""
        wait_for(lambda: len(self.keys(kind)) >= n, timeout,
                 f"{n} events\n{self.log()}")
        assert len(self.keys(kind)) == n, self.log()

    def segments(self):
        return sorted(n for n in os.listdir(self.spool)
                      if n.endswith(".seg"))

    def log(self):
        return self.process.text()

    def wait_log(self, pattern, timeout=15):
        return wait_for(lambda: re.search(pattern, self.log()), timeout,
                        f"{pattern!r} in its log:\n{self.log()}")

    def saved(self):
        """Its state: the words of each line, by the first."""
        with open(os.path.join(self.state, "tail.state"),
                  encoding="utf-8") as f:
            return {line.split()[0]: line.split()[1:] for line in f}

    def wait_saved(self):
        """Until the state says that all that is in the spool was read."""
        def last():
            return os.stat(os.path.join(self.state, "tail.state")).st_mtime_ns
        before = time.time_ns()
        wait_for(lambda: last() >= before - 1_000_000_000 and
                 int(self.saved()["count"][9]) == 0, 10, "a saved state")
