# SPDX-License-Identifier: BSD-2-Clause
"""Mail into Postfix, through our milter and through others.

One Postfix, one submission port for each milter, so that all else is the same
process tree, queue and disk. smtp-source sends over four connections at a
time, one message a connection; what is accepted is thrown away (discard), so
that delivery takes as little as it can. A first message on each port goes to
a sink instead, to see that the milter did what is to be measured.
"""

import os
import time

from bench.measure import Goal, Result, pairs
from bench.messages import message
from tests.lib.client import send
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.nginx import Nginx
from tests.lib.postfix import Postfix, milter
from tests.lib.process import Failed, Process, answers, run
from tests.lib.redis import Redis
from tests.lib.rspamd import Rspamd
from tests.lib.sink import Sink

NAME = "inject"
ABOUT = "Postfix injection with our milter, beside other milters and rspamd"
LONG = False

TRACKED, UNTRACKED = "alice@example.org", "carol@example.org"
SIZE = 30000
CHECKED = "checked.example.com"

WORKER = """
worker "rspamd_proxy" {{
  bind_socket = "{socket} mode=0666";
  milter = yes;
  timeout = 60s;
  count = {count};
  upstream "local" {{
    default = yes;
    self_scan = yes;
  }}
}}
"""


class Rig:
    """Postfix, and behind each of its ports another milter."""

    def __init__(self, bench):
        lab = self.lab = bench.lab
        self.bench = bench
        self.count = 100 if bench.quick else 400
        self.ours = Mailtrail(lab, bench.build, Redis(lab).start(),
                              MariaDB(lab).start(),
                              "https://pixel.example.org")
        self.ours.prepare()
        self.ours.command("track", "set", "mailbox", TRACKED, "identified")
        self.ours.daemons["milter"].start_notify()
        self.sink = Sink(lab).start()
        sockets = {"ours": milter(self.ours.milter_socket),
                   "replace": self.yardstick("milter_replace"),
                   "noop": self.yardstick("milter_noop"),
                   "rspamd": self.rspamd()}
        ports = {"ours": TRACKED, "untracked": UNTRACKED,
                 "replace": TRACKED, "noop": UNTRACKED, "rspamd": TRACKED}
        sockets["untracked"] = sockets["ours"]
        settings = {f"{n}_milters": s for n, s in sockets.items()}
        settings["transport_maps"] = (
            f"inline:{{ {CHECKED}=smtp:[127.0.0.1]:{self.sink.port} }}")
        self.postfix = Postfix(lab, ports=ports, settings=settings)
        for name, port in self.postfix.ports.items():
            run(["postconf", "-c", self.postfix.conf, "-P",
                 f"127.0.0.1:{port}/inet/smtpd_milters=${name}_milters"])
        self.postfix.start()
        mail = message(SIZE)
        self.path = bench.file("mail.eml", mail.replace(b"\r\n", b"\n"))
        for name, user in ports.items():
            self.check(name, user, mail)

    def yardstick(self, name):
        socket = self.lab.path(f"{name}.sock")
        self.lab.add(Process(name, [self.bench.executable(name), socket],
                             self.lab.directory)).start(
                                 lambda: answers(socket))
        return milter(socket)

    def rspamd(self):
        """rspamd with the prefilter and nothing else, and its HTTP map."""
        nginx = Nginx(self.lab, locations="location /trackable.php { "
                      "default_type application/json; "
                      "return 200 '{\"result\":true}'; }").start()
        with open(os.path.join(os.path.dirname(__file__), "..",
                               "status_app.lua"), encoding="ascii") as f:
            lua = f.read()
        lua = lua.replace("@MAP@", f"{nginx.url}/trackable.php") \
            .replace("@URL@", "https://pixel.example.org/status")
        # By a Unix socket, as ours. It wants a list of modules; this one does
        # nothing without rules.
        socket = self.lab.path("rspamd", "milter.sock")
        Rspamd(self.lab, modules=("force_actions",), filters="", lua=lua,
               extra=WORKER.format(socket=socket, count=os.cpu_count())
               ).start()
        return milter(socket)

    def check(self, name, user, mail):
        """Does a message through this port come out as it should?"""
        before = len(self.sink.envelopes())
        send(self.postfix.ports[name], mail, user, [f"bob@{CHECKED}"])
        self.postfix.flush()
        self.postfix.wait_empty()
        delivered = self.sink.envelopes()[before:]
        if len(delivered) != 1:
            raise Failed(f"{name}: {len(delivered)} messages were delivered")
        data = self.sink.data(delivered[0])
        marked = b"pixel.example.org" in data.replace(b"=\r\n", b"")
        if marked != (name in ("ours", "rspamd")):
            raise Failed(f"{name}: the message is "
                         f"{'marked' if marked else 'not marked'}")

    def seconds(self, name, sender):
        start = time.monotonic()
        run(["smtp-source", "-s", "4", "-m", self.count_text, "-f", sender,
             "-t", "bob@example.com", "-F", self.path,
             f"127.0.0.1:{self.postfix.ports[name]}"])
        return time.monotonic() - start

    @property
    def count_text(self):
        return str(self.count)


def spooled(directory):
    return sum(e.stat().st_size for e in os.scandir(directory)
               if e.name.endswith(".seg"))


def compare(rig, ours, theirs, sender, recorded):
    """Pairs of milliseconds a message."""
    before = spooled(rig.ours.spool)
    a, b = pairs(rig.bench.pairs, lambda: rig.seconds(ours, sender),
                 lambda: rig.seconds(theirs, sender),
                 rig.postfix.wait_empty)
    grown = spooled(rig.ours.spool) - before
    sent = (rig.bench.pairs + 1) * rig.count
    if recorded and grown < 300 * sent:
        raise Failed(f"{sent} messages, but only {grown} bytes recorded")
    return ([1000 * t / rig.count for t in a],
            [1000 * t / rig.count for t in b])


def measure(bench):
    rig = Rig(bench)
    size = f"{SIZE // 1000} kB of HTML mail"
    yield Result("inject, marked", f"Postfix injection of {size}, marked and "
                 "recorded", "same Postfix, milter that only buffers and "
                 "replaces the body", "ms",
                 *compare(rig, "ours", "replace", TRACKED, True),
                 Goal("<=", 1.10))
    yield Result("inject, rspamd", "same", "same Postfix, rspamd with the "
                 "status-app's prefilter and nothing else", "ms",
                 *compare(rig, "ours", "rspamd", TRACKED, True),
                 Goal("<=", 0.80))
    yield Result("inject, untracked", f"Postfix injection of {size}, not to "
                 "be tracked, recorded", "same Postfix, milter that does "
                 "nothing and skips the body", "ms",
                 *compare(rig, "untracked", "noop", UNTRACKED, True),
                 Goal("<=", 1.05))
    yield Result("inject, noise", "the same milter that does nothing",
                 "itself: what ratio the noise alone makes", "ms",
                 *compare(rig, "noop", "noop", UNTRACKED, False))
