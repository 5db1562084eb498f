# SPDX-License-Identifier: BSD-2-Clause
"""The truth against a teller, who was not there: the log as read by
reading.py, or MariaDB. Every difference is a line of text.

A teller has recipient(queue_id, address) -> word or None, delivery(queue_id,
address) -> words of that final address; refusals, a list of Refusal; and
arrived, relay -> {(queue id, address)} of what is told to be delivered there.
"""

import collections

from . import truth

# Stages at which a refusal's line names no recipient, or any of them.
WHOLE = ("data", "end-of-message", "end_of_message", "header", "body")
# For this reply Postfix 3.7 logs a warning, and no refusal.
UNSAID = "message file too big"
# When these happen, no attempt may have been made before.
UNTRIED = ("held", "queued", "requeued", "discarded", "filtered", "expired")


def meant(messages, seen):
    """The evidence against the plan: was the scenario itself as planned?"""
    for m in messages:
        for r in m.rcpts:
            word = truth.of_rcpt(m, r, seen)
            if word != r.word:
                yield (f"{m.fate} {m.name}: {r.address} was to be {r.word}, "
                       f"and is {word}; {seen.told[m.n]}")
    yield from truth.unasked(messages, seen)


class Comparison:
    def __init__(self, messages, seen, teller):
        self.messages, self.seen, self.teller = messages, seen, teller
        self.counts = collections.Counter()  # of recipients, by word
        self.problems = []
        self.refusals = collections.defaultdict(list)
        for refusal in teller.refusals:
            self.refusals[refusal.sender].append(refusal)

    def wrong(self, m, text):
        self.problems.append(f"{m.fate} {m.name}: {text}")

    def check(self):
        for m in self.messages:
            told = self.seen.told[m.n]
            for r in m.rcpts:
                self.counts[truth.of_rcpt(m, r, self.seen)] += 1
            if told.queue_id is not None:
                self._queued(m, told)
            elif told.local:
                self._local(m)
            elif not told.left:
                self._refused(m, told)
        self._before_mail()
        self._arrived()
        return self

    def _queued(self, m, told):
        for r in m.rcpts:
            want = truth.of_rcpt(m, r, self.seen)
            got = self.teller.recipient(told.queue_id, r.address)
            if got is None and want == "rejected" and self._said(
                    m, told.rcpt[r.address], r.address):
                continue  # before there was a queue id
            if got != want:
                self.wrong(m, f"{r.address} under {told.queue_id} is {want}, "
                           f"told is {got}")
            for f in r.finals:
                self._final(m, told, f, r.address)
        for f in m.extra:
            self._final(m, told, f, f.address)

    def _final(self, m, told, final, address):
        want = truth.of_final(m, final, self.seen, told.queue_id, [address])
        got = self.teller.delivery(told.queue_id, final.address)
        if want not in got and (got or want not in UNTRIED):
            self.wrong(m, f"{final.address} under {told.queue_id} is {want}, "
                       f"told is {got}")

    def _local(self, m):
        """sendmail(1) says no queue id; the receiver knows it."""
        for r in m.rcpts:
            for queue_id in self.seen.taken.get((m.name, r.address), ()):
                got = self.teller.recipient(queue_id, r.address)
                if got != "delivered":
                    self.wrong(m, f"{r.address} under {queue_id} is "
                               f"delivered, told is {got}")

    def _arrived(self):
        """What the SMTP receivers took, notifications and all, is what is
        told to have gone there: no more and no less."""
        for port, took in self.seen.arrived.items():
            told = self.teller.arrived[f"127.0.0.1[127.0.0.1]:{port}"]
            for pairs, how in ((took - told, "arrived, and is not told to be"),
                               (told - took, "is told to be")):
                for queue_id, address in sorted(pairs):
                    self.problems.append(
                        f"{address} under {queue_id} {how} delivered")

    def _said(self, m, reply, address=None):
        """Is there a line for this reply to that recipient, or to all?"""
        return any(
            f.code in (0, int(reply[:3]))
            and (address is None or f.rcpt is None
                 or f.rcpt.lower() == address.lower())
            for f in self.refusals[m.sender])

    def _refused(self, m, told):
        if told.greeting[:1] != "2" or told.helo[:1] != "2":
            return  # counted in _before_mail
        for r in m.rcpts:
            reply = told.refusal(r.address)
            one = r.address if told.rcpt.get(r.address, "")[:1] in "45" \
                and told.rcpt else None
            if UNSAID not in reply and not self._said(m, reply, one):
                self.wrong(m, f"{reply!r} to {r.address} is not told")
        for refusal in self.refusals[m.sender]:
            if refusal.queue_id is None or refusal.stage not in WHOLE:
                continue
            for r in m.rcpts:
                want = truth.of_rcpt(m, r, self.seen)
                got = self.teller.recipient(refusal.queue_id, r.address)
                if got != want:
                    self.wrong(m, f"{r.address} under {refusal.queue_id} is "
                               f"{want}, told is {got}")

    def _before_mail(self):
        """Refusals of a client or its name know neither sender nor rcpt."""
        everybody = self.seen.told.values()
        clients = sum(t.greeting[:1] in ("4", "5") for t in everybody)
        names = sum(t.greeting[:1] == "2" and t.helo[:1] in ("4", "5")
                    for t in everybody)
        told = collections.Counter(f.stage for f in self.teller.refusals)
        # Whether the port that refuses all is up was asked, too.
        if told["connect"] < clients:
            self.problems.append(f"{clients} clients refused, "
                                 f"{told['connect']} told")
        if told["ehlo"] + told["helo"] != names:
            self.problems.append(f"{names} names refused, "
                                 f"{told['ehlo'] + told['helo']} told")
