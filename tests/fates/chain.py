# SPDX-License-Identifier: BSD-2-Clause
"""All of Mailtrail behind the mail host of fates."""

import os

from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.postfix import milter
from tests.lib.process import Process, user, wait_for
from tests.lib.redis import Redis
from tests.lib.rotating import Log
from tests.lib.rspamd import Rspamd
from tests.lib.rspamd_plugin import LOAD, reachable, settings_text
from tests.lib.system import System

from .mailhost import HOST, MailHost, RSPAMD_ACTIONS, RSPAMD_LUA
from .stored import Stored


class Chain:
    """Milter, plugin and tail feed one spool; ship, Redis, collector and
    MariaDB follow."""

    def __init__(self, lab, build):
        self.redis, self.mariadb = Redis(lab), MariaDB(lab)
        self.ours = Mailtrail(lab, build, self.redis, self.mariadb,
                              "https://open.example.org", host=HOST)
        self.rspamd = self._rspamd(lab, os.fspath(build))
        self.host = MailHost(lab, before=[milter(self.ours.milter_socket)],
                             rspamd=self.rspamd)
        self.log = Log(self.host.postfix)
        self.ours.values["postfix_config"] = self.host.postfix.conf
        self.tail = lab.add(self._tail(lab, os.fspath(build)))

    def _tail(self, lab, build):
        self.state = lab.subdir("tail")
        conf = os.path.join(self.state, "tail.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"host = {HOST}\nlog = {self.log.path}\n"
                    f"spool_dir = {self.ours.spool}\n"
                    f"state_dir = {self.state}\n")
        return Process("tail", [
            os.path.join(build, "tail/mailtrail-tail"), "-c", conf],
            self.state)

    def _rspamd(self, lab, build):
        """With our plugin, which appends to the same spool."""
        account = user("_rspamd", "nobody")
        os.chown(self.ours.spool, -1, account.pw_gid)
        os.chmod(self.ours.spool, 0o2770)
        place = lab.subdir("rspamd", owner=account)
        os.makedirs(os.path.join(place, "local.d"))
        plugin, module = reachable(build, place)
        with open(os.path.join(place, "local.d", "mailtrail.conf"), "w",
                  encoding="ascii") as f:
            f.write(settings_text({
                "bridge": module, "host": HOST,
                "spool_dir": self.ours.spool}))
        return Rspamd(lab, lua=RSPAMD_LUA + LOAD.format(plugin=plugin),
                      extra=RSPAMD_ACTIONS)

    def start(self):
        self.redis.start()
        self.mariadb.start()
        self.ours.prepare()
        self.ours.start()
        self.host.start()
        self.tail.start_notify()
        return self

    # System's way to wait is ours, too.
    _drained = System._drained
    query = System.query

    def wait_stored(self, timeout=120.0):
        """Until tail has read the whole log, and all is in MariaDB."""
        wait_for(self._read, timeout, "the log to be read", interval=0.2)
        wait_for(self._drained, timeout, "the spool and the stream to drain")

    def _read(self):
        """tail.state says how far it is, after the fact by its interval."""
        path = os.path.join(self.state, "tail.state")
        with open(path, encoding="ascii") as f:
            counts = [line.split() for line in f if line[:6] == "count "]
        return counts and all(c[-2] == "0" for c in counts) \
            and os.path.getmtime(path) > os.path.getmtime(self.log.path)

    def stored(self):
        return Stored(self.query)
