# SPDX-License-Identifier: BSD-2-Clause
"""Postfix's log through rotations."""

import os

from tests.lib.process import Failed, run, wait_for


class Log:
    """Postfix's log and those it was rotated to, newest number last."""

    def __init__(self, postfix):
        self.postfix = postfix
        self.path = os.path.join(postfix.directory, "mail.log")
        self.rotated = 0

    def rotate(self):
        """As logrotate does: .1 becomes .2, the log .1, a new one begins."""
        for i in range(self.rotated, 0, -1):
            os.rename(f"{self.path}.{i}", f"{self.path}.{i + 1}")
        os.rename(self.path, f"{self.path}.1")
        self.rotated += 1
        # On a busy machine postlogd goes on for a while, or misses it.
        for _ in range(10):
            run(["postfix", "-c", self.postfix.conf, "reload"])
            try:
                return wait_for(lambda: os.path.exists(self.path), 30)
            except Failed:
                continue
        raise Failed("no new log after ten reloads")

    def lines(self):
        """Of all files, oldest first."""
        names = [f"{self.path}.{i}" for i in range(self.rotated, 0, -1)]
        for name in (*names, self.path):
            with open(name, encoding="utf-8", errors="replace") as f:
                yield from f.read().splitlines()
