# SPDX-License-Identifier: BSD-2-Clause
"""The comparison itself: each way in which a run can be bad is seen."""

import collections
import types

import pytest

from . import copies, witness
from .load import Sent, Try, message
from .logged import Logged, Stored
from .verdict import Run, Window

TOKEN = "0" * 32
OFFER = ("2026-11-20T20:04:02.000000Z", "mx", "Q1")
LINE = ("Nov 28 07:39:58 mx postfix/smtp[7]: 4jc2BV6jYzz1bdHP: to=<r@x>, "
        "relay=sink, delay=0.1, dsn=2.0.0, status=sent (250 ok)")
KEYS = {"offer": ["at", "host", "queue_id"],
        "rcpt": ["at", "host", "queue_id", "rcpt"],
        "mark": ["at", "host", "queue_id", "token"],
        "open": ["at", "token", "host", "twin"]}


class Scene:
    """A run in which all is well: one message, marked, opened once."""

    def __init__(self):
        t = Try(10.0, 10.0, 11.0, "dot", "250 queued as Q1",
                {"mail": 0.1, "dot": 0.2})
        self.sent = Sent("<a@b>", ["r@x"], b"", True, None, [t], "Q1", 11.0)
        self.copies = [copies.Copy("<a@b>", ["r@x"], "Q1", TOKEN,
                                   "/i/x.gif", None, 12.0)]
        self.fetched = [copies.Fetch(TOKEN, 13.0, 13.1, "pixel")]
        self.accepted = {k: collections.Counter([v]) for k, v in (
            ("offer", OFFER), ("rcpt", (*OFFER, "r@x")),
            ("mark", (*OFFER, TOKEN)),
            ("open", (OFFER[0], TOKEN, "mx", "1")))}
        self.stored = {k: set(v) for k, v in self.accepted.items()}
        self.failed, self.windows, self.dead = {}, [], []
        self.lost, self.sums = 0, 1
        self.broken, self.about = [], set()
        # What the log, reports and rspamd say: one line, one attempt.
        self.log = [LINE]
        self.lines = [("4jc2BV6jYzz1bdHP", "postfix/smtp[7]", LINE[36:], 1)]
        self.attempts = [("4jc2BV6jYzz1bdHP", "r@x", "sent", 1)]
        self.told = [("Q1", "r@x", "delivered"), ("Q2", "b@x", "bounced")]
        self.bounced, self.fed = {"b@x": "Q2"}, ["f@x"]
        self.notices = {"b@x": 1, "f@x": 1}
        self.scans = {"Q1": 1}
        self.redirected, self.moved = {"m@x": "Q3"}, {"Q3"}

    def query(self, sql, args):
        """Stands for MariaDB's answers to the verdict's own questions."""
        for table, rows in (("ev_line", self.lines),
                            ("ev_deliver", self.attempts),
                            ("v_recipient", self.told),
                            ("ev_notice", self.notices.items()),
                            ("ev_scan", self.scans.items()),
                            ("ev_reject", ((q,) for q in self.moved))):
            if f"FROM {table}" in sql:
                return tuple(rows)
        for kind, keys in self.stored.items():
            if sql.startswith("SELECT DATE_FORMAT") and \
                    sql.endswith(f"ev_{kind}"):
                return tuple(keys)
            if sql == f"SELECT COUNT(*) FROM ev_{kind}":
                return ((len(keys),),)
        if "SUM(offers)" in sql:
            return ((self.sums, 1, 1),)
        if "'offer'" in sql:
            return ((self.sums,),)
        if sql.startswith("SELECT COALESCE"):
            return ((0,),)
        return ()

    def problems(self):
        w = witness.Witness.__new__(witness.Witness)
        w.keys, w.events, w.about = KEYS, self.accepted, self.about
        run = Run(types.SimpleNamespace(sent={"<a@b>": self.sent},
                                        failed=self.failed,
                                        broken=self.broken),
                  types.SimpleNamespace(all=self.copies),
                  types.SimpleNamespace(fetched=self.fetched), w,
                  self.windows, self.query, self.dead, self.lost)
        run.bounces = types.SimpleNamespace(
            asked=self.bounced, fed=self.fed, doubtful=set(),
            taken={"Q2": 11.0})
        run.redirects = types.SimpleNamespace(asked=self.redirected)
        run.logged, run.stored = Logged(self.log), Stored(self.query)
        return run.check().problems


def test_a_good_run_is_silence():
    assert Scene().problems() == []


def duplicate(s):
    s.copies.append(s.copies[0])


def another_id(s):
    s.copies.append(copies.Copy("<a@b>", ["r@x"], "Q2", None, None, None,
                                12.0))


def unrecorded(s):
    for kind in ("offer", "rcpt", "mark"):
        s.accepted[kind].clear()
        s.stored[kind].clear()


BAD = {
    "client of the test broke": lambda s: s.broken.append("KeyError"),
    "given up": lambda s: setattr(s.sent, "accepted", None),
    "never accepted": lambda s: s.failed.update({"<a@b>": "451"}),
    "not delivered": lambda s: s.copies.clear(),
    "no recipient": lambda s: s.copies[0].recipients.append("eve@x"),
    "came 2 times": duplicate,
    "came 2 times to r@x, as ['Q1', 'Q2']": another_id,
    "arrived damaged": lambda s: setattr(s.copies[0], "damage", "a byte"),
    "took 99.0 s": lambda s: s.sent.tries[0].slowest.update(mail=99.0),
    "accepted and not stored": lambda s: s.stored["rcpt"].clear(),
    "stored and never accepted": lambda s: s.stored["open"].add(
        (OFFER[0], TOKEN, "mx", "2")),
    "although they were destroyed": lambda s: s.accepted["offer"].update(
        {OFFER: -1}),
    "what was folded": lambda s: setattr(s, "sums", 2),
    "a mark nobody recorded": lambda s: s.accepted["mark"].clear(),
    "passed a living milter unrecorded": unrecorded,
    "is not marked": lambda s: setattr(s.copies[0], "token", None),
    "was not served": lambda s: setattr(s.fetched[0], "by", None),
    "stand-in of a living": lambda s: setattr(s.fetched[0], "by", "stand-in"),
    "opened 1 times": lambda s: s.fetched.append(s.fetched[0]),
    "lost by a good spool": lambda s: setattr(s, "lost", 1),
    "a dead letter": lambda s: s.dead.append("garbage"),
    "lines of the log are not stored": lambda s: s.lines.clear(),
    "lines are stored and not in the log": lambda s: s.log.clear(),
    "lines of the log are not stored, such as [('4jc2BV6jYzz1bdHP', 'postfix/q":
        lambda s: s.log.append(LINE.replace("smtp[", "qmgr[")),
    "attempts of the log are not stored": lambda s: s.attempts.clear(),
    "attempts are stored and not in the log": lambda s: s.attempts.append(
        ("Q9", "r@x", "sent", 1)),
    "was delivered, and is told to be deferred": lambda s: s.told.insert(
        1, ("Q1", "r@x", "deferred")),
    "was bounced, and is told to be None": lambda s: s.told.pop(),
    "nothing bounced": lambda s: s.bounced.clear(),
    "b@x was reported on 0 times": lambda s: s.notices.pop("b@x"),
    "b@x was reported on 2 times": lambda s: s.notices.update({"b@x": 2}),
    "f@x was reported on 0 times": lambda s: s.notices.pop("f@x"),
    "nothing was redirected": lambda s: s.redirected.clear(),
    "nobody tells that m@x (Q3) was redirected": lambda s: s.moved.clear(),
    "was scanned 2 times": lambda s: s.scans.update(Q1=2),
    "passed a living rspamd": lambda s: s.scans.clear(),
}


@pytest.mark.parametrize("said", BAD)
def test_what_is_wrong_is_said(said):
    scene = Scene()
    BAD[said](scene)
    assert any(said in p for p in scene.problems()), scene.problems()


@pytest.mark.parametrize("said, window, change", [
    ("unrecorded", "milter", unrecorded),
    ("is not marked", "milter", BAD["is not marked"]),
    ("came 2 times", "postfix", duplicate),
    ("stand-in of a living", "pixel", BAD["stand-in of a living"]),
    ("lost by a good spool", "spool", BAD["lost by a good spool"]),
    ("passed a living rspamd", "rspamd", BAD["passed a living rspamd"]),
])
def test_a_window_excuses_what_it_is_about_and_no_more(said, window, change):
    for begun, ended, excused in ((10.5, 14.0, True), (200.0, 201.0, False)):
        scene = Scene()
        change(scene)
        scene.windows.append(Window(window, begun, ended))
        wrong = [p for p in scene.problems() if said in p]
        assert (wrong == []) == (excused or window == "spool")


@pytest.mark.parametrize("said, about", [
    ("lines of the log are not stored", "4jc2BV6jYzz1bdHP"),
    ("attempts of the log are not stored", "4jc2BV6jYzz1bdHP"),
    ("was delivered, and is told to be deferred", "Q1"),
    ("b@x was reported on 0 times", "b@x"),
    ("nobody tells that m@x (Q3) was redirected", "Q3"),
    ("passed a living rspamd", "Q1")])
def test_what_was_destroyed_may_be_missing(said, about):
    scene = Scene()
    BAD[said](scene)
    scene.about.add(about)
    assert scene.problems() == []


def test_what_a_fault_took_away_again_is_not_told():
    scene = Scene()
    scene.told.clear()
    scene.windows.append(Window("schema", 20.0, 21.0))
    assert scene.problems() == []
    scene.windows[:] = [Window("schema", 5.0, 6.0)]
    assert len(scene.problems()) == 2


def test_a_message_sent_again_in_doubt_may_come_twice():
    scene = Scene()
    scene.sent.tries.insert(0, Try(9.0, 9.0, 9.5, "dot", ""))
    another_id(scene)
    assert scene.problems() == []


SENT = next(m for m in (message("x", 1, n) for n in range(20)) if m.html)


@pytest.mark.parametrize("change, said", [
    (lambda d: b"Received: by mx\r\n\tid 1\r\n" + d, None),
    (lambda d: d.replace(b"number", b"nomber", 1), "another header"),
    (lambda d: d[:-3] + b"x\r\n", "another body without a mark"),
    (lambda d: d.replace(b"\r\n\r\n", b"\r\n\r\n\r\n", 1),
     "another body without a mark"),
])
def test_a_copy_is_compared_byte_by_byte(change, said):
    assert copies.damage(SENT.data, change(SENT.data), False) == said


def test_the_same_seed_is_the_same_mail():
    assert message("x", 5, 3).data == message("x", 5, 3).data
    assert message("x", 5, 3).data != message("x", 6, 3).data
