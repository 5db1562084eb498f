# SPDX-License-Identifier: BSD-2-Clause
"""All of it: Postfix with our milter and a signing rspamd, a sink behind it,
our programs around Redis and MariaDB, nginx in front of the pixel."""

import collections
import email
import email.policy
import http.client
import json
import os
import re
import time

from .mailtrail import Mailtrail
from .mariadb import MariaDB
from .nginx import Nginx
from .postfix import Postfix, milter
from .process import wait_for
from .redis import Redis
from .rspamd import Rspamd
from .rspamd_plugin import SeeingRspamd
from .sink import Sink

SENDER = "alice@example.org"
AGENT = ("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 "
         "Thunderbird/115.5.0")


class System:
    """One mail host and what stands behind it.

    start() tells `said(what, text, processes)` after each step, which is how
    the quickstart speaks and remembers. Not inline: our milter is left out.
    Whole: with mailtrail-tail on Postfix's log, and our plugin in rspamd, which
    is run as `account`. postfix: more arguments of Postfix.
    """

    def __init__(self, lab, build, options=None, redis=None, mariadb=None,
                 inline=True, whole=False, more=(), spool=None, account=None,
                 postfix=None):
        self.redis = redis or Redis(lab)
        self.mariadb = mariadb or MariaDB(lab)
        self.nginx = Nginx(
            lab, pixel=lab.path("mailtrail", "run", "pixel.sock"))
        self.ours = Mailtrail(lab, build, self.redis, self.mariadb,
                              self.nginx.url, options=options, more=more,
                              spool=spool)
        self.ours.values["postfix_config"] = lab.path("postfix", "conf")
        self.sink = Sink(lab)
        self.whole, self.lab = whole, lab
        self.rspamd = SeeingRspamd(
            lab, build, self.ours.spool, self.ours.host,
            account=account) if whole else Rspamd(lab)
        milters = [milter(self.ours.milter_socket), self.rspamd.milter]
        self.postfix = Postfix(lab, sink=self.sink.port,
                               milters=milters if inline else milters[1:],
                               **(postfix or {}))

    def start(self, said=lambda what, text, processes: None):
        self.redis.start()
        said("redis", f"unix:{self.redis.socket}, append-only file",
             [self.redis.process])
        self.mariadb.start()
        said("mariadb", f"unix:{self.mariadb.socket}",
             [self.mariadb.process])
        self.ours.prepare()
        said("mailtrail", "database schema migrated, token key made", [])
        self.ours.start()
        said("mailtrail", "milter, ship, collector and pixel are ready",
             list(self.ours.daemons.values()))
        self.nginx.start()
        said("nginx", f"{self.nginx.url}/i/ goes to the pixel by FastCGI",
             [self.nginx.process])
        self.sink.start()
        said("sink", f"127.0.0.1:{self.sink.port} takes what Postfix "
             "delivers", [self.sink.process])
        self.rspamd.start()
        said("rspamd", f"127.0.0.1:{self.rspamd.port} signs with DKIM, "
             "behind our milter" + (
                 ", and records its verdicts" if self.whole else ""),
             [self.rspamd.process])
        self.postfix.start()
        said("postfix", f"127.0.0.1:{self.postfix.port}, a submission port "
             f"whose clients count as {SENDER}", [self.postfix.process])
        if self.whole:
            self._follow(said)
        return self

    def _follow(self, said):
        log = os.path.join(self.postfix.directory, "mail.log")
        wait_for(lambda: os.path.exists(log), 10, "the mail log")
        self.tail = self.ours.follower(self.lab, log)
        self.tail.start_notify()
        said("tail", f"follows {log}", [self.tail])

    def stop(self):
        """In the order that loses nothing; for a system in a shared lab."""
        for server in (self.postfix, self.ours, self.nginx, self.sink,
                       self.rspamd, self.redis, self.mariadb):
            server.stop()

    def track(self, *args):
        """`mailtrail track ...`, in force for the milter on return.

        The milter looks for another policy snapshot at most once a second.
        """
        self.ours.command("track", *args)
        written = os.stat(self.ours.values["policy_snapshot"]).st_mtime
        wait_for(lambda: time.time() > written + 1.1, 5,
                 "the milter to look again")

    def query(self, sql, args=None):
        return self.mariadb.query(sql, args, self.ours.database)

    def counter(self, sql):
        """Rows as a multiset: twice the same row is seen."""
        return collections.Counter(self.query(sql))

    def fetch(self, url, method="GET", headers=None):
        """(status, headers, body) of a request to nginx."""
        c = http.client.HTTPConnection("127.0.0.1", self.nginx.port,
                                       timeout=30)
        try:
            c.request(method, url, headers={"User-Agent": AGENT,
                                            **(headers or {})})
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        finally:
            c.close()

    def wait_stored(self, timeout=60.0):
        """Until every event that was recorded so far is in MariaDB.

        That is: the spool holds nothing that was not shipped, and nothing
        shipped that was not acknowledged.
        """
        wait_for(self._drained, timeout, "the spool and the stream to drain",
                 interval=0.05)

    def _drained(self):
        status = json.loads(self.ours.command(
            "spool", "status", "--json").stdout)
        return status["endpoints"] and not any(
            e["unsent"] or e["unacked"] for e in status["endpoints"])


def html_of(data):
    """The text of the HTML part of a message's bytes, None without one."""
    m = email.message_from_bytes(data, policy=email.policy.default)
    for part in m.walk():
        if part.get_content_type() == "text/html":
            charset = part.get_content_charset("utf-8")
            return part.get_payload(decode=True).decode(charset, "replace")
    return None


def pixel_path(data):
    """The path of the pixel in a delivered message, None if not marked."""
    found = re.search(r"/i/[A-Za-z0-9_-]{34}\.gif", html_of(data) or "")
    return found[0] if found else None
