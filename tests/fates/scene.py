# SPDX-License-Identifier: BSD-2-Clause
"""A run: send what is planned, be the administrator, wait for every end."""

import time

from tests.lib.process import Failed, wait_for

from .client import Clients
from .evidence import collect


def done(flag, entry):
    """Has postsuper done it to what postqueue says of a queue id?"""
    if flag in ("-d", "-r"):
        return entry is None
    if flag == "-h":
        return entry is not None and entry["queue_name"] == "hold"
    if flag == "-H":
        return entry is None or entry["queue_name"] != "hold"
    return entry is None or entry.get("forced_expire", False)


class Scene:
    """play() returns the evidence."""

    def __init__(self, host, messages, rate=None, connections=10,
                 said=lambda text: None):
        self.host, self.messages, self.rate = host, messages, rate
        self.clients = Clients(host, connections)
        self.acts = {}
        self.said = said
        # Thousands that are deferred for ever are not woken every moment.
        self.pause = 2 + len(messages) / 200

    def play(self):
        first = [m for m in self.messages if not m.left]
        self.host.postfix.set(maximal_backoff_time=f"{self.pause:.0f}s")
        self.clients.send(first, self.rate)
        self.said("sent")
        self._settle({"wait", "tmp"})
        self.said("settled")
        self._administer(first)
        self.host.sink.open()
        self._settle({"tmp"})
        self.said("administered")
        self._expire()
        self.said("expired")
        last = [m for m in self.messages if m.left]
        self.clients.send(last, self.rate)
        listing = self._wait_left(last)
        return collect(self.host, self.clients, self.acts, listing)

    def _told(self, messages):
        return ((m, self.clients.told[m.n].queue_id) for m in messages)

    def _settle(self, rules, timeout=600.0):
        """Until nothing is on its way but what is held, and what is deferred
        for ever or until told otherwise."""
        def moving():
            return [entry for entry in self.host.listing().values()
                    if entry["queue_name"] != "hold"
                    and not (entry["recipients"]
                             and all(self._waits(r["address"], rules)
                                     for r in entry["recipients"]))]

        # Twice: what leaves one queue may not yet be seen in another.
        for _ in range(2):
            end, due = time.monotonic() + timeout, 0.0
            while moving():
                now = time.monotonic()
                if now > end:
                    raise Failed(f"still on its way: {moving()[:5]}")
                if now > due:
                    # Else what a reload found in delivery rests a minute.
                    self.host.postfix.flush()
                    self.host.kick()
                    due = now + self.pause
                time.sleep(0.2)
            time.sleep(0.3)

    @staticmethod
    def _waits(address, rules):
        return address.partition(".")[0] in rules \
            or address.startswith("away+") \
            or address.rpartition("@")[2] in (
                "refused.test", "later.test", "nowhere.test", "soft.test")

    def _administer(self, messages):
        flags = {}
        for m, queue_id in self._told(messages):
            if m.act is not None and queue_id is not None:
                flags.setdefault(m.act, []).append(queue_id)
        for flag, queue_ids in flags.items():
            self.acts.update(dict.fromkeys(queue_ids, flag))
            # What is just being moved from queue to queue, postsuper misses.
            for _ in range(20):
                self.host.postsuper(flag, queue_ids)
                listing = self.host.listing()
                queue_ids = [q for q in queue_ids
                             if not done(flag, listing.get(q))]
                if not queue_ids:
                    break
            else:
                raise Failed(f"postsuper {flag} has no effect on {queue_ids}")

    def _expire(self):
        """Let what is deferred be too old; then be patient again, and try
        once only, so that the log comes to an end."""
        lifetimes = ("maximal_queue_lifetime", "bounce_queue_lifetime")
        self.host.postfix.set(**dict.fromkeys(lifetimes, "1s"))

        def gone():
            self.host.postfix.flush()
            return all(e["queue_name"] == "hold"
                       for e in self.host.listing().values())

        for _ in range(2):
            wait_for(gone, 600, "everything deferred to expire", interval=0.5)
            time.sleep(0.3)
        self.host.postfix.set(**dict.fromkeys(
            (*lifetimes, "minimal_backoff_time", "maximal_backoff_time",
             "queue_run_delay"), "1h"))

    def _wait_left(self, messages):
        """The queue, when each of these has been tried."""
        ids = {q: m for m, q in self._told(messages)}

        def tried():
            listing = self.host.listing()
            there = {q: listing.get(q) for q in ids}
            return listing if all(
                e is not None and (
                    e["queue_name"] == "deferred"
                    and len(e["recipients"]) == 1
                    or e["queue_name"] == "active"
                    and e["recipients"][0]["address"].startswith("hang"))
                for e in there.values()) else None

        return wait_for(tried, 300, "what is left to have been tried",
                        interval=0.1)
