# SPDX-License-Identifier: BSD-2-Clause
"""Whole trails, made up but reproducible, with what must become of each
recipient: messages of long queue ids, and short ids used again and again."""

import random

from . import events as ev

S = 1_000_000
HOST = "mx1.example.org"


class Life:
    """One message: its events in the order they happen, and its truth."""

    def __init__(self, queue_id, start):
        self.queue_id, self.start = queue_id, start
        self.events = []
        self.status = {}  # envelope recipient -> status
        self.message_id = f"{start}.{queue_id}@example.org"
        self.at = start

    def later(self, us):
        self.at += us
        return self.at


class Trails:
    """n lives; every `reuse`-th of a short id that was used before.

    resolution is that of the log: 1 or 1,000,000 microseconds.
    """

    def __init__(self, n, seed=1, resolution=1, ids=None, offered=0.7):
        self.random = random.Random(seed)
        self.resolution = resolution
        self.offered = offered
        self.ids = ids
        self.line = 0
        self.lives = []
        start = ev.now_us() - 40 * 3600 * S
        start -= start % S
        for i in range(n):
            at = start + i * 9 * S + self.random.randrange(S)
            queue_id = ids[i % len(ids)] if ids else \
                ev.long_queue_id(at, i + 1)
            self.lives.append(self._life(queue_id, at))

    @property
    def events(self):
        return [e for life in self.lives for e in life.events]

    def _log(self, at):
        return at - at % self.resolution

    def _queue(self, life, step, **fields):
        self.line += 1
        life.events.append(ev.queue(self._log(life.at), HOST, life.queue_id,
                                    step, self.line, **fields))

    def _deliver(self, life, address, outcome, **fields):
        self.line += 1
        life.events.append(ev.deliver(
            self._log(life.at), HOST, life.queue_id, address, outcome,
            self.line, tag="postfix/smtp", dsn=fields.pop("dsn", None),
            **fields))

    def _life(self, queue_id, at):
        r = self.random
        life = Life(queue_id, at)
        rcpts = [f"r{i}.{len(self.lives)}@example.com"
                 for i in range(r.choice([1, 1, 2, 3]))]
        self._queue(life, "client", client="192.0.2.1",
                    client_name="client.example")
        life.later(1000)
        if r.random() < self.offered:
            at = life.later(1000)
            life.events.append(ev.offer(at, HOST, queue_id, nrcpt=len(rcpts),
                                        message_id=life.message_id))
            life.events += [ev.rcpt(at, HOST, queue_id, a) for a in rcpts]
        self._queue(life, "message_id", message_id=life.message_id)
        fates = ["all", "all", "each", "each", "refused", "spam", "deleted",
                 "expired", "requeued"]
        if not self.ids:  # while it waits, its id is not used again
            fates.append("held")
        fate = r.choice(fates)
        if fate in ("refused", "spam"):
            self._refused(life, rcpts, fate == "spam")
            return life
        if r.random() < 0.5:
            life.events.append(ev.scan(life.later(10), HOST, queue_id))
        life.later(2000)
        self._queue(life, "active", sender="alice@example.org", size=1234,
                    nrcpt=len(rcpts))
        getattr(self, "_" + fate)(life, rcpts)
        return life

    def _refused(self, life, rcpts, spam):
        if spam:
            life.events.append(ev.scan(life.later(10), HOST, life.queue_id,
                                       "reject", score="99.125"))
        self.line += 1
        life.events.append(ev.reject(
            self._log(life.later(1000)), HOST, self.line, judge="milter",
            stage="end_of_message", queue_id=life.queue_id,
            sender="alice@example.org", rcpt=rcpts[0], dsn="5.7.1"))
        # Without an offer only the first recipient is in the log.
        offered = any(e["t"] == "offer" for e in life.events)
        for a in rcpts if offered else []:
            life.status[a] = "filtered" if spam else "rejected"

    def _all(self, life, rcpts):
        for a in rcpts:
            life.later(3000)
            self._deliver(life, a, "sent", dsn="2.0.0", relay="mx[192.0.2.9]",
                          relay_name="mx", next="4ABCDE")
            life.status[a] = "delivered"
        life.later(10)
        self._queue(life, "removed")

    def _each(self, life, rcpts):
        r = self.random
        for a in rcpts:
            life.later(3000)
            outcome = r.choice(["sent", "bounced", "deferred", "alias"])
            if outcome == "alias":
                self._deliver(life, "x." + a, "sent", orig_to=a)
                self._deliver(life, "y." + a, "bounced", orig_to=a)
                life.status[a] = "bounced"
                continue
            self._deliver(life, a.upper() if r.random() < 0.1 else a, outcome)
            life.status[a] = {"sent": "delivered"}.get(outcome, outcome)
        life.later(S)
        waiting = [a for a, s in life.status.items() if s == "deferred"]
        if not self.ids and r.random() < 0.2:
            return  # it waits
        for a in waiting:
            self._deliver(life, a, "sent")
            life.status[a] = "delivered"
        if "bounced" in life.status.values():
            self._queue(life, "notified_failure", other="4FFFF")
        self._queue(life, "removed")

    def _deleted(self, life, rcpts):
        self._deliver(life, rcpts[0], "deferred")
        life.later(S)
        self._queue(life, "deleted")
        offered = any(e["t"] == "offer" for e in life.events)
        for a in rcpts if offered else rcpts[:1]:
            life.status[a] = "discarded"

    def _expired(self, life, rcpts):
        for a in rcpts:
            self._deliver(life, a, "deferred")
            life.status[a] = "expired"
        life.later(S)
        self._queue(life, "expired", sender="alice@example.org")
        self._queue(life, "notified_failure", other="4FFFE")
        life.later(10)
        self._queue(life, "removed")

    def _held(self, life, rcpts):
        for a in rcpts:
            self._deliver(life, a, "deferred")
            life.status[a] = "held"
        life.later(S)
        self._queue(life, "held")
        if self.random.random() < 0.5:
            life.later(S)
            self._queue(life, "released")
            life.status = {a: "deferred" for a in rcpts}

    def _requeued(self, life, rcpts):
        for a in rcpts:
            self._deliver(life, a, "deferred")
            life.status[a] = "requeued"
        life.later(S)
        self._queue(life, "requeued")

    def truth(self):
        return {(life.queue_id, a): s for life in self.lives
                for a, s in life.status.items()}

    def shuffled(self, seed=2, repeats=0.3):
        r = random.Random(seed)
        events = self.events
        events = events + [e for e in events if r.random() < repeats]
        r.shuffle(events)
        return events
