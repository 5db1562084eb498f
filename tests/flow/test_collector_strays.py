# SPDX-License-Identifier: BSD-2-Clause
"""Verdicts and reports that name their message by its Message-ID only: they
change the same rows, whichever is stored first and whoever stores it."""

import random

import pytest

from tests.lib import events as ev
from tests.lib.trails import HOST, S, Trails

SHORT = [f"{n:06X}" for n in range(0xB0000, 0xB0000 + 7)]
TABLES = ev.TRAIL_TABLES + ("ev_scan", "ev_notice")
CLIENT = "192.0.2.1"


def verdict(at, message_id, action="add header", **fields):
    return ev.scan(at, fields.pop("host", HOST), "", action,
                   message_id=message_id, score="7.25", **fields)


def report(at, message_id, address, kind="failed", n=0, **fields):
    return ev.event("notice", at=ev.text_time(at), host="mx9.example.org",
                    report=f"{n:032x}", ordinal=0, kind=kind, rcpt=address,
                    message_id=message_id, **fields)


def message(queue_id, at, address="a@example.com", offered=True):
    """All of one message, in the order it happens, and its Message-ID."""
    message_id = f"{queue_id}@example.org"
    events = [ev.queue(at, HOST, queue_id, "client", 1, client=CLIENT)]
    if offered:
        events += [ev.offer(at + 2000, HOST, queue_id, message_id=message_id),
                   ev.rcpt(at + 2000, HOST, queue_id, address)]
    events += [
        ev.queue(at + 1000, HOST, queue_id, "message_id", 2,
                 message_id=message_id),
        ev.queue(at + 3000, HOST, queue_id, "active", 3,
                 sender="alice@example.org", size=9, nrcpt=1),
        ev.deliver(at + 4000, HOST, queue_id, address, line=4),
        ev.queue(at + 5000, HOST, queue_id, "removed", 5)]
    return events, message_id


def store(c, *parts, batch=500):
    """Each part is stored as one batch before the next is in the stream."""
    for n, events in enumerate(parts):
        c.add(events)
        daemon = c.start(f"collector{n}", batch=batch)
        c.wait_stored(300)
        assert daemon.stop() == 0
        assert "<3>" not in daemon.text(), daemon.tail()
    assert c.dead() == []


def seen(c):
    return c.query(
        "SELECT m.queue_id, m.action, m.score, r.rcpt, r.status, r.notice "
        "FROM v_message m JOIN v_recipient r USING (born, host, queue_id) "
        "ORDER BY m.queue_id, r.rcpt")


ORDERS = ("strays", "message", "offer", "log", "strays, no offer")


def scene(queue_id, at, order):
    """The parts in which a message and what strays know of it are stored."""
    events, message_id = message(queue_id, at,
                                 offered=order != "strays, no offer")
    strays = [verdict(at + 2500, message_id, client=CLIENT),
              report(at + 50 * S, message_id, "A@Example.COM")]
    offer = [e for e in events if e["t"] in ("offer", "rcpt")]
    log = [e for e in events if e not in offer]
    return {"strays": (strays, events), "message": (events, strays),
            "offer": (offer, strays, log), "log": (log, strays, offer),
            "strays, no offer": (strays, events)}[order]


def test_whichever_comes_first(collecting):
    """Messages of long and of short ids, in every order; all in few batches."""
    at = ev.now_us() - 300 * S
    parts, ids = [[], [], []], {}
    for i, order in enumerate(ORDERS * 2):
        start = at + i * S
        queue_id = ev.long_queue_id(start, i + 1) if i < len(ORDERS) \
            else f"ABCDE{i}"
        ids[queue_id] = order
        for part, events in zip(parts, scene(queue_id, start, order)):
            part.extend(events)
    store(collecting, *parts)
    assert {row[0]: row[1:] for row in seen(collecting)} == {
        queue_id: ("add header", pytest.approx(7.25), "a@example.com",
                   "delivered", "failed") for queue_id in ids}
    assert set(collecting.query(
        "SELECT queue_id, action FROM v_scan WHERE born IS NOT NULL")) == {
            (queue_id, "add header") for queue_id in ids}
    assert collecting.query(
        "SELECT event, what FROM v_trail WHERE queue_id = %s AND event IN "
        "('scan', 'notice') ORDER BY at", next(iter(ids))) == (
            ("scan", "action=add header"), ("notice", "kind=failed"))


def test_without_a_log_the_offer_tells_the_message(collecting):
    at = ev.now_us() - 60 * S
    queue_id = ev.long_queue_id(at, 1)
    events = [ev.offer(at, HOST, queue_id, message_id="m@example.org"),
              ev.rcpt(at, HOST, queue_id, "a@example.com")]
    strays = [verdict(at, "m@example.org"),
              report(at + S, "m@example.org", "a@example.com", "complaint")]
    store(collecting, events, strays)
    assert seen(collecting) == ((queue_id, "add header", pytest.approx(7.25),
                                 "a@example.com", None, "complaint"),)


def test_a_verdict_has_to_fit(collecting):
    """rspamd's history knows whole seconds, Postfix's log may know more."""
    at = ev.now_us() // S * S - 1200 * S + 999_000
    cases = [("add header", dict(later=-999_000)),
             ("add header", dict(client=CLIENT)), (None, dict(later=600 * S)),
             (None, dict(later=-600 * S)), (None, dict(client="198.51.100.7")),
             (None, dict(host="mx2.example.org"))]
    events, strays, expected = [], [], []
    for i, (action, stray) in enumerate(cases):
        queue_id = ev.long_queue_id(at + i * S, i + 1)
        some, message_id = message(queue_id, at + i * S)
        events += some
        later = stray.pop("later", 2500)
        strays.append(verdict(at + i * S + later, message_id, **stray))
        expected.append((queue_id, action))
    store(collecting, events, strays)
    assert sorted(row[:2] for row in seen(collecting)) == sorted(expected)


def test_a_verdict_with_the_queue_id_is_the_messages_own(collecting):
    at = ev.now_us() - 60 * S
    queue_id = ev.long_queue_id(at, 1)
    events, message_id = message(queue_id, at)
    store(collecting, events, [verdict(at + 2500, message_id)],
          [ev.scan(at + 2400, HOST, queue_id, "greylist")])
    assert [row[1] for row in seen(collecting)] == ["greylist"]


def test_a_report_is_about_whom_it_names(collecting):
    """Of the messages of one Message-ID, as of a list, that of the reader."""
    at = ev.now_us() - 60 * S
    ids = [ev.long_queue_id(at + i * S, i + 1) for i in range(5)]
    events = []
    for i, queue_id in enumerate(ids):
        some, message_id = message(queue_id, at + i * S, f"r{i}@example.com")
        events += [{k: "list@example.org" if v == message_id else v
                    for k, v in e.items()} for e in some]
    store(collecting, events,
          [report(at + 30 * S, "list@example.org", "r3@example.com"),
           report(at + 31 * S, "list@example.org", None, "complaint", n=1),
           report(at + 32 * S, "list@example.org", "x@example.net", n=2)])
    assert [row[5] for row in seen(collecting)] == [
        None, None, None, "failed", None]


def with_strays(trails, seed):
    """Add strays to lives; returns what must be seen of (queue id, reader)."""
    r = random.Random(seed)
    truth, n = {}, 0
    for life in trails.lives:
        own = [e for e in life.events if e["t"] == "scan"]
        action = own[-1]["action"] if own else None
        if r.random() < 0.5:
            life.events.append(verdict(life.start + 1500, life.message_id,
                                       client=CLIENT))
            action = action or "add header"
        notices = {}
        for address in life.status:
            for _ in range(r.choice([0, 0, 1, 2])):
                n += 1
                at = life.start + r.randrange(1, 3600) * S
                kind = r.choice(["failed", "delayed", "complaint"])
                life.events.append(report(at, life.message_id, address, kind,
                                          n=n))
                if at >= notices.get(address, (0,))[0]:
                    notices[address] = (at, kind, n)
        for address in life.status:
            truth[life.queue_id, life.start, address] = (
                action, notices.get(address, (0, None))[1])
    return truth


@pytest.mark.parametrize("ids", [None, SHORT], ids=["long", "short"])
def test_any_order_and_several_collectors(collecting, another, ids):
    trails = Trails(400, seed=11, ids=ids)
    truth = with_strays(trails, 5)
    store(collecting, trails.events)
    found = {(queue_id, rcpt, action, notice)
             for queue_id, rcpt, action, notice in collecting.query(
                 "SELECT r.queue_id, r.rcpt_key, m.action, r.notice "
                 "FROM v_message m JOIN v_recipient r "
                 "USING (born, host, queue_id)")}
    missing = [(key, what) for key, what in truth.items()
               if (key[0], key[2]) + what not in found]
    assert missing == []
    another.add(trails.shuffled(seed=6))
    for name, batch in (("first", 170), ("second", 60)):
        another.start(name, batch=batch)
    another.wait_stored(300)
    for daemon in another.daemons:
        assert "<3>" not in daemon.text(), daemon.tail()
    ours, others = collecting.dump(TABLES), another.dump(TABLES)
    for table in TABLES:
        assert ours[table] == others[table], table
        assert ours[table], table
