# SPDX-License-Identifier: BSD-2-Clause
"""Postfix's log through rotations."""

import contextlib
import os
import shutil

from .process import Failed, children, run, stopped, wait_for


class Log:
    """Postfix's log and those it was rotated to, newest number last.

    mode: of a log that is made before Postfix opens it, as logrotate's create
    does; Postfix's own are for root alone.
    """

    def __init__(self, postfix, mode=None):
        self.postfix, self.mode = postfix, mode
        self.path = os.path.join(postfix.directory, "mail.log")
        self.rotated = 0

    def create(self):
        if self.mode is not None:
            with open(self.path, "ab") as f:
                os.fchmod(f.fileno(), self.mode)

    def _shift(self):
        """.1 becomes .2 and so on."""
        for i in range(self.rotated, 0, -1):
            os.rename(f"{self.path}.{i}", f"{self.path}.{i + 1}")
        self.rotated += 1

    def rotate(self):
        """As logrotate does: .1 becomes .2, the log .1, a new one begins."""
        self._shift()
        os.rename(self.path, f"{self.path}.1")
        self.create()
        # On a busy machine postlogd goes on for a while, or misses it.
        for _ in range(10):
            run(["postfix", "-c", self.postfix.conf, "reload"])
            try:
                return wait_for(lambda: os.path.getsize(self.path), 30)
            except Failed:
                continue
        raise Failed("no new log after ten reloads")

    def copy_and_truncate(self):
        """As logrotate's copytruncate does, but that nobody writes between the
        two: what is written then is lost, whoever reads."""
        self._shift()
        with self.at_rest():
            shutil.copy(self.path, f"{self.path}.1")
            os.truncate(self.path, 0)

    @contextlib.contextmanager
    def at_rest(self):
        """Nobody writes it; who logs waits."""
        with contextlib.ExitStack() as stack:
            for pid in children(self.postfix.process.pid, "postlogd"):
                stack.enter_context(stopped(pid))
            yield

    def lines(self):
        """Of all files, oldest first."""
        names = [f"{self.path}.{i}" for i in range(self.rotated, 0, -1)]
        for name in (*names, self.path):
            with open(name, encoding="utf-8", errors="replace") as f:
                yield from f.read().splitlines()
