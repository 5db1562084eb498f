# SPDX-License-Identifier: BSD-2-Clause
"""Postfix, our milter, others' behind it and a sink; nothing else of ours."""

import os

from .postfix import Postfix, milter
from .process import Process, run
from .sink import Sink


class MilterHost:
    """The policy and keys are those of tests/milter/milter_lab.c."""

    def __init__(self, lab, build, options=None, settings=None, ports=None,
                 behind=(), **milter_args):
        self.build = os.fspath(build)
        self.directory = lab.subdir("milter")
        sockets = lab.subdir("milter/run", mode=0o755)
        lab.subdir("milter/spool")
        self.socket = os.path.join(sockets, "milter.sock")
        self._lab("make")
        values = {"listen": f"unix:{self.socket}", "listen_mode": "0666",
                  "host": "mx.example.org",
                  "pixel_url": "https://open.example.org",
                  "policy_snapshot": f"{self.directory}/policy.snapshot",
                  "token_keys": f"{self.directory}/token.keys",
                  "spool_dir": f"{self.directory}/spool", **(options or {})}
        argv = [os.path.join(self.build, "milter", "mailtrail-milter"),
                "-c", "/dev/null"]
        for name, value in values.items():
            argv += ["-o", f"{name}={value}"]
        self.process = Process("milter", argv, self.directory)
        lab.add(self.process)
        self.sink = Sink(lab)
        self.postfix = Postfix(lab, sink=self.sink.port, settings=settings,
                               ports=ports, milters=[
                                   milter(self.socket, **milter_args),
                                   *behind])

    def start(self):
        self.process.start_notify()
        self.sink.start()
        self.postfix.start()
        return self

    def _lab(self, verb):
        return run([os.path.join(self.build, "tests/milter/milter_lab"),
                    verb, self.directory]).stdout

    def events(self):
        """Every event in the spool, as a dict of texts with its name in t.

        Values with spaces are not for this."""
        found = []
        for line in self._lab("events").splitlines():
            name, *fields = line.split(" ")
            found.append({"t": name, **dict(
                f.split("=", 1) for f in fields if "=" in f)})
        return found

    def log(self):
        with open(self.process.log, encoding="utf-8") as f:
            return f.read()
