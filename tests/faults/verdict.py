# SPDX-License-Identifier: BSD-2-Clause
"""The truths compared: what senders were told, what arrived, what the spool
accepted, and what MariaDB has. Every difference is a line of text."""

import collections
import dataclasses
import itertools

from tests.lib.collecting import assert_folded

from .logged import differences

# What a busy machine of two cores takes by itself, in seconds.
SLACK = 10.0
# conf/postfix: the most that our milter can hold up an answer. Before the end
# of the message, connecting (5 s) and the first command (5 s); at the end 30.
EARLY, LATE = 10.0, 30.0
# How long after a message was accepted Postfix may still be delivering it.
RETRIED = 60.0


@dataclasses.dataclass
class Window:
    """A span of time in which `what` could not do its work."""
    what: str        # milter, spool, pixel, postfix, rspamd, schema
    begun: float     # time.monotonic()
    ended: float = float("inf")

    def touches(self, begun, ended):
        return begun <= self.ended and ended >= self.begun


class Run:
    """All that is compared; `stats` has the counts a report shows."""

    def __init__(self, load, copies, readers, witness, windows, query,
                 dead, lost):
        self.sent = load.sent
        self.failed, self.broken = load.failed, load.broken
        self.copies = copies.all
        self.fetched = readers.fetched
        self.witness = witness
        self.windows = windows
        self.query, self.dead, self.lost = query, dead, lost
        # Where tail, feed and the plugin are at work, too.
        self.bounces = self.redirects = self.logged = self.stored = None
        self.problems = []
        self.stats = collections.Counter()

    def wrong(self, what, *args):
        short = [a[:60] if isinstance(a, str) and a[:1] == "<" else a
                 for a in args]
        self.problems.append(what % tuple(short) if args else what)

    def during(self, whats, begun, ended):
        return any(w.what in whats and w.touches(begun, ended)
                   for w in self.windows)

    # Mail

    def check_accepted(self):
        for error in self.broken:
            self.wrong("a client of the test broke: %s", error)
        for message_id, reply in self.failed.items():
            self.wrong("%s was never accepted: %s", message_id, reply)
        self.stats["messages"] = len(self.sent)
        self.stats["tries"] = sum(len(s.tries) for s in self.sent.values())

    def check_delivered(self):
        """Each message to each recipient, unchanged; twice only when its
        sender could not know, or Postfix itself was killed."""
        came = collections.defaultdict(list)
        for copy in self.copies:
            if copy.damage is not None:
                self.wrong("%s (%s) arrived damaged: %s", copy.message_id,
                           copy.queue_id, copy.damage)
            for address in copy.recipients:
                came[copy.message_id, address].append(copy.queue_id)
        for sent in self.sent.values():
            if sent.accepted is None and sent.message_id not in self.failed:
                self.wrong("%s was begun and given up", sent.message_id)
            for address in sent.recipients:
                ids = came.pop((sent.message_id, address), [])
                if not ids and sent.accepted is not None:
                    self.wrong("%s was accepted as %s and not delivered to "
                               "%s", sent.message_id, sent.queue_id, address)
                self._explain(sent, address, ids)
        for (message_id, address), ids in came.items():
            self.wrong("%s came to %s, who was no recipient, as %s",
                       message_id, address, ids)

    def _explain(self, sent, address, ids):
        if len(ids) <= 1:
            return
        self.stats["duplicates"] += 1
        if len(set(ids)) > 1 and sent.doubtful:
            self.stats["sent twice in doubt"] += 1
        elif len(set(ids)) == 1 and self.during(
                ("postfix",), sent.accepted, sent.accepted + RETRIED):
            self.stats["delivered twice by Postfix"] += 1
        else:
            self.wrong("%s came %d times to %s, as %s; its tries: %s",
                       sent.message_id, len(ids), address, ids,
                       [(t.stage, t.reply) for t in sent.tries])

    def check_delays(self):
        for sent in self.sent.values():
            for t in sent.tries:
                for stage, took in t.slowest.items():
                    self._check_delay(sent, t, stage, took)

    def _check_delay(self, sent, t, stage, took):
        most = SLACK
        for w in self.windows:
            if not w.touches(t.connected, t.ended):
                continue
            if w.what in ("milter", "rspamd"):
                most += LATE if stage == "dot" else EARLY
            elif w.what == "postfix":
                most += w.ended - w.begun
        key = f"slowest {'end' if stage == 'dot' else 'command'}"
        self.stats[key] = max(self.stats[key], round(took, 2))
        if took > most:
            self.wrong("%s: the answer to %s took %.1f s, more than %.1f",
                       sent.message_id, stage, took, most)

    # Events

    def check_stored(self):
        """MariaDB has what was accepted, each once, and nothing else."""
        for kind, names in self.witness.keys.items():
            columns = ", ".join(
                "DATE_FORMAT(`at`, '%%Y-%%m-%%dT%%H:%%i:%%s.%%fZ')"
                if n == "at" else f"CAST(`{n}` AS CHAR)" for n in names)
            stored = set(self.query(f"SELECT {columns} FROM ev_{kind}", ()))
            accepted = self.witness.events[kind].keys()
            destroyed = self.witness.destroyed(kind)
            self.stats[f"{kind} events"] = len(accepted)
            self._few(f"{kind} events accepted and not stored",
                      accepted - stored - destroyed)
            self._few(f"{kind} events stored and never accepted",
                      stored - accepted)
            self._few(f"{kind} events stored although they were destroyed",
                      stored & destroyed)
        try:
            assert_folded(lambda sql: self.query(sql, None))
        except AssertionError as error:
            self.wrong("what was folded is not what the events say: %s",
                       error)
        for entry in self.dead:
            self.wrong("a dead letter: %s", entry)

    def _few(self, what, keys):
        if keys:
            self.wrong("%d %s, such as %s", len(keys), what,
                       list(itertools.islice(sorted(keys), 3)))

    def check_recorded(self):
        """A mark is recorded before it is seen; and while milter and spool
        were well, every message is recorded, and HTML is marked."""
        offers = {i for i, in self.witness.values("offer", "queue_id")}
        marks = set(self.witness.values("mark", "queue_id", "token"))
        marked = set()
        for copy in self.copies:
            if copy.token is None:
                continue
            marked.add(copy.queue_id)
            if (copy.queue_id, copy.token) not in marks:
                self.wrong("%s (%s) arrived with a mark nobody recorded",
                           copy.message_id, copy.queue_id)
        for sent in self.sent.values():
            if sent.queue_id is None:
                continue
            last = sent.tries[-1]
            recorded = sent.queue_id in offers
            well = not self.during(("milter", "spool"), last.connected,
                                   last.ended)
            self.stats["unrecorded"] += not recorded
            if not recorded and well:
                self.wrong("%s (%s) passed a living milter unrecorded",
                           sent.message_id, sent.queue_id)
            elif well and (sent.queue_id in marked) != sent.html:
                self.wrong("%s (%s) is %smarked", sent.message_id,
                           sent.queue_id, "not " if sent.html else "")

    def check_opens(self):
        """Readers always get an image; what they fetch is counted once."""
        least, most = collections.Counter(), collections.Counter()
        for f in self.fetched:
            self.stats["fetches"] += 1
            away = self.during(("pixel",), f.begun, f.ended)
            self.stats["stand-ins"] += f.by == "stand-in"
            if f.by is None:
                self.wrong("the pixel of %s was not served", f.token)
            elif f.by != "pixel" and not away:
                self.wrong("%s got the stand-in of a living pixel", f.token)
            most[f.token] += 1
            least[f.token] += f.by == "pixel" and not self.during(
                ("pixel", "spool"), f.begun, f.ended)
        opens = collections.Counter(
            t for t, in self.witness.values("open", "token"))
        for token, n in most.items():
            if not least[token] <= opens[token] <= n:
                self.wrong("token %s was fetched %d times, %d of them in "
                           "good order, and opened %d times", token, n,
                           least[token], opens[token])

    # What the log, rspamd and reports say

    def check_log(self):
        """Every line of a queue id, and every attempt, is stored once."""
        self.stats["log lines"] = self.logged.lines.total()
        self.stats["attempts"] = self.logged.attempts.total()
        for what, n, some in differences(
                self.logged, self.stored, self.witness.about):
            self.wrong("%d %s, such as %s", n, what, some)

    def check_told(self):
        """What is told of a recipient is what became of it, but for those of
        whom a fault has taken it away again."""
        told = {(q, a): s for q, a, s in self.query(
            "SELECT queue_id, rcpt, status FROM v_recipient", ())}
        since = max((w.ended for w in self.windows if w.what == "schema"),
                    default=0.0)
        meant = {(s.queue_id, a): "delivered" for s in self.sent.values()
                 if s.queue_id is not None and (s.accepted or since) > since
                 for a in s.recipients}
        meant.update(((q, a), "bounced")
                     for a, q in self.bounces.asked.items()
                     if self.bounces.taken[q] > since)
        for key, status in meant.items():
            if told.get(key) != status and key[0] not in self.witness.about:
                self.wrong("%s was %s, and is told to be %s", key, status,
                           told.get(key))

    def check_reports(self):
        """Each recipient whose mail bounced is reported on once; more often
        only where Postfix's processes were killed, for it bounces again."""
        told = collections.Counter(dict(self.query(
            "SELECT rcpt, COUNT(*) FROM ev_notice GROUP BY rcpt", ())))
        self.stats["reported"] = len(self.bounces.asked)
        if not self.bounces.asked:
            self.wrong("nothing bounced")
        often = {a for a in told if told[a] > 1} - self.bounces.doubtful
        for address in often.union(self.bounces.asked, self.bounces.fed):
            again = any(w.what == "postfix" for w in self.windows)
            if address in self.witness.about:
                continue
            if told[address] != 1 and not (again and told[address]):
                self.wrong("%s was reported on %d times", address,
                           told[address])

    def check_redirects(self):
        """What was done before there was a queue id is told of the message."""
        told = {q for q, in self.query(
            "SELECT queue_id FROM ev_reject WHERE action = 'redirect'", ())}
        asked = self.redirects.asked
        self.stats["redirected"] = len(set(asked.values()))
        if not asked:
            self.wrong("nothing was redirected")
        for address, queue_id in asked.items():
            if queue_id not in told and queue_id not in self.witness.about:
                self.wrong("nobody tells that %s (%s) was redirected",
                           address, queue_id)

    def check_scans(self):
        """rspamd's verdict on each message, once, while it was there."""
        scans = dict(self.query("SELECT queue_id, COUNT(*) FROM ev_scan "
                                "GROUP BY queue_id", ()))
        for queue_id, n in scans.items():
            if n > 1:
                self.wrong("%s was scanned %d times", queue_id, n)
        for sent in self.sent.values():
            if sent.queue_id is None or sent.queue_id in scans \
                    or sent.queue_id in self.witness.about:
                continue
            last = sent.tries[-1]
            self.stats["unscanned"] += 1
            if not self.during(("rspamd", "spool", "postfix"),
                               last.connected, last.ended):
                self.wrong("%s (%s) passed a living rspamd unrecorded",
                           sent.message_id, sent.queue_id)

    def check(self):
        self.check_accepted()
        self.check_delivered()
        self.check_delays()
        if self.witness is not None:
            self.check_stored()
            self.check_recorded()
            self.check_opens()
            if self.lost and not any(w.what == "spool"
                                     for w in self.windows):
                self.wrong("%d events were lost by a good spool", self.lost)
        if self.logged is not None:
            self.check_log()
            self.check_told()
            self.check_reports()
            self.check_redirects()
            self.check_scans()
        return self
