# SPDX-License-Identifier: BSD-2-Clause
"""Pixels through nginx and FastCGI, beside a program that only answers.

Both programs have the same number of threads behind the same nginx. Every
fetch is of a good token, and every one must be found in the spool after.
"""

import os

from bench.measure import Goal, Result, pairs
from bench.rows.inject import spooled
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.nginx import Nginx
from tests.lib.process import Failed, Process, answers
from tests.lib.redis import Redis

NAME = "pixel"
ABOUT = "pixel fetches, each recorded, beside a bare FastCGI program"
LONG = False

THREADS = 8
CONNECTIONS = 32
TOKENS = 200
LEAST = 150  # bytes of an open event in the spool


class Rig:

    def __init__(self, bench):
        lab = bench.lab
        self.bench = bench
        self.requests = 5000 if bench.quick else 20000
        self.ours = Mailtrail(
            lab, bench.build, Redis(lab).start(), MariaDB(lab).start(),
            "http://localhost", options={"pixel": {
                "threads": THREADS, "trusted_proxies": "127.0.0.1",
                # On, but never reached.
                "rate_limit": 1000000}})
        self.ours.prepare()
        self.ours.daemons["pixel"].start_notify()
        bare = lab.path("bare.sock")
        lab.add(Process("fcgi_bare", [bench.executable("fcgi_bare"), bare,
                                      str(THREADS)], lab.directory)).start(
                                          lambda: answers(bare))
        os.chmod(bare, 0o666)
        self.nginx = Nginx(lab, locations=(
            Nginx.fastcgi(self.ours.pixel_socket)
            + Nginx.fastcgi(bare, "/bare/"))).start()
        tokens = [self.ours.command("token", "make", "--mode",
                                    "pseudonymous").stdout.strip()
                  for _ in range(TOKENS)]
        self.paths = {
            name: bench.file(name, "".join(
                f"/{name}/{t}.gif\n" for t in tokens).encode())
            for name in ("i", "bare")}

    def rate(self, name):
        """Requests a second."""
        before = spooled(self.ours.spool)
        rate = float(self.bench.program(
            "bench_load", self.nginx.port, self.paths[name], CONNECTIONS,
            self.requests))
        grown = spooled(self.ours.spool) - before
        if name == "i" and grown < LEAST * self.requests:
            raise Failed(f"{self.requests} fetches, but only {grown} bytes "
                         "recorded")
        return rate


def measure(bench):
    rig = Rig(bench)
    yield Result("pixel", "fetches of a pixel, each recorded in the spool",
                 "a FastCGI program that only answers, same nginx", "/s",
                 *pairs(bench.pairs, lambda: rig.rate("i"),
                        lambda: rig.rate("bare")), Goal(">=", 0.8))
