# SPDX-License-Identifier: BSD-2-Clause
"""rspamd with our plugin beside rspamd without it.

Two private rspamds, alike but for the plugin, each with one worker, so that a
worker's core is what limits it; rspamc(1) asks from another, eight messages
at a time. Debian's own rules are on, as far as they need no network. Redis is
not among what is measured: the plugin never asks it, so that it can neither
help nor delay.
"""

import os
import time

from bench.measure import Goal, Result, pairs
from bench.messages import message
from tests.lib.process import Failed, answers, free_port, members, run
from tests.lib.rspamd import Rspamd
from tests.lib.rspamd_plugin import PluggedRspamd

NAME = "rspamd"
ABOUT = "rspamd with the plugin and without"
LONG = False

SENDER = "alice@example.org"
SIZE = 30000
AT_ONCE = 8
# What asks nobody; the list of Lua modules and of rspamd's own in C.
MODULES = ("emails", "forged_recipients", "hfilter", "maillist", "mid",
           "milter_headers", "mime_types", "once_received", "phishing", "trie")
FILTERS = "chartable,regexp"
RULES = 'dofile("/usr/share/rspamd/rules/rspamd.lua")\n'
WORKER = """
worker "normal" {{
  bind_socket = "127.0.0.1:{port}";
  count = 1;
}}
"""


class Side:
    """One rspamd."""

    def __init__(self, bench, name, make, **args):
        self.name = name
        self.port = free_port()
        self.server = make(
            bench.lab, name=name, modules=MODULES, filters=FILTERS,
            lua=RULES, extra=WORKER.format(port=self.port), **args)
        self.server.process.start(lambda: answers(("127.0.0.1", self.port)))

    def scan(self, paths):
        """Seconds for all of them; the text of the answers."""
        start = time.monotonic()
        said = run(["rspamc", "-h", f"127.0.0.1:{self.port}", "-n",
                    str(AT_ONCE), "-F", SENDER, "-u", SENDER, "-r",
                    "bob@example.com", "-i", "192.0.2.1", "symbols",
                    *paths]).stdout
        return time.monotonic() - start, said

    def processor(self):
        """Seconds of processor time that its processes have taken."""
        ticks = 0
        for pid in members(self.server.process.pid):
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                fields = f.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def measure(self, paths):
        """Messages a second, and milliseconds of processor time for one."""
        before = self.processor()
        seconds, said = self.scan(paths)
        if said.count("Action: ") != len(paths):
            raise Failed(f"{self.name}: not every message was judged")
        return (len(paths) / seconds,
                1000 * (self.processor() - before) / len(paths))


def messages(bench):
    """Paths of as many different messages."""
    mail = message(SIZE)
    return [bench.file(f"{i}.eml", b"X-Number: %d\r\n" % i + mail)
            for i in range(200 if bench.quick else 1000)]


def measure(bench):
    paths = messages(bench)
    ours = Side(bench, "plugged", lambda lab, **args: PluggedRspamd(
        lab, bench.build, **args))
    theirs = Side(bench, "plain", Rspamd)
    a, b = pairs(bench.pairs, lambda: ours.measure(paths),
                 lambda: theirs.measure(paths))
    scans = ours.server.events("scan")
    if len(scans) != (bench.pairs + 1) * len(paths):
        raise Failed(f"{len(scans)} verdicts were recorded")
    symbols = scans[-1]["symbols"].count('"score"')
    yield Result(
        "rspamd", f"messages of {SIZE // 1000} kB judged and the verdict "
        "recorded, by one worker with Debian's rules that ask nobody",
        "the same rspamd without the plugin", "/s", [r for r, _ in a],
        [r for r, _ in b], Goal(">=", 0.95),
        notes=[f"{symbols} symbols a message; the plugin asks no Redis, so "
               "there is no row with and without one",
               f"{os.path.getsize(paths[0])} bytes a message"])
    yield Result(
        "rspamd, processor", "the same: processor time of rspamd a message",
        "the same rspamd without the plugin", "ms", [c for _, c in a],
        [c for _, c in b], Goal("<=", 1.05))
