# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-feed with files of its own."""

import os

from .mailtrail import PROGRAMS
from .process import Process, wait_for
from .spooled import events


class Feed:
    """Options are lines of its option file; host is mx.example.org."""

    def __init__(self, lab, build, name="feed", **options):
        self.directory = lab.subdir(name)
        self.spool = lab.subdir(f"{name}/spool", 0o777)
        self.socket = os.path.join(self.directory, "lmtp.sock")
        self.conf = os.path.join(self.directory, "feed.conf")
        self.options = {
            "host": "mx.example.org", "spool_dir": self.spool,
            "listen": f"unix:{self.socket}", "listen_mode": "0666"}
        self.set(**options)
        self.process = Process(
            name, [os.path.join(build, PROGRAMS["feed"]), "-v", "-c",
                   self.conf], self.directory)
        lab.add(self.process)

    def set(self, **options):
        self.options.update(options)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n" for k, v in self.options.items()
                         if v is not None)

    def start(self):
        self.process.start_notify()
        return self

    def stop(self):
        return self.process.stop()

    def log(self):
        with open(self.process.log, encoding="utf-8") as f:
            return f.read()

    def wait_log(self, text, timeout=20):
        return wait_for(lambda: text in self.log(), timeout,
                        f"{text!r} in the log of feed")

    def notices(self, least=0, timeout=30):
        """The notices in the spool, once there are at least so many."""
        wait_for(lambda: len(events(self.spool, "notice")) >= least, timeout,
                 f"{least} notices")
        return events(self.spool, "notice")
