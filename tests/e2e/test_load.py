# SPDX-License-Identifier: BSD-2-Clause
"""Two thousand messages from twenty connections; the same with everything
killed, one after the other; and what was recorded, replayed in any order.

The truth is outside of Mailtrail: what the clients were told ("queued as"),
and what the sink was given.
"""

import collections
import random
import re
import secrets
import threading
import time

import pytest

from tests.lib.client import Crowd, html_message
from tests.lib.process import Process, wait_for
from tests.lib.system import pixel_path

SENDER = "alice@example.org"
MARK = re.compile(rb"^X-Mailtrail-Mark: ([0-9a-f]{32})\.[0-9a-f]{16}\r$",
                  re.M)

pytestmark = pytest.mark.slow


def plain_message(message_id, recipients):
    return (f"From: {SENDER}\r\nTo: {', '.join(recipients)}\r\n"
            f"Subject: plain\r\nMessage-ID: {message_id}\r\n\r\n"
            "Nothing to mark here.\r\n").encode()


def mixed(n, prefix):
    """n messages: every fourth is plain text, every third has more
    recipients."""
    messages = []
    for i in range(n):
        message_id = f"<{prefix}.{i}@example.org>"
        recipients = [f"r{i}.{k}@example.com"
                      for k in range(3 if i % 3 == 0 else 1)]
        data = plain_message(message_id, recipients) if i % 4 == 3 else \
            html_message(message_id, SENDER, recipients, f"number {i}")
        messages.append((message_id, SENDER, recipients, data))
    return messages


def copies_of(system, messages):
    """Message-ID -> the delivered copies' bytes; each must have come once to
    each recipient, and its signature must hold."""
    wanted = collections.Counter(
        (m[0], r) for m in messages for r in m[2])
    ids = {m[0] for m in messages}
    envelopes = [e for e in system.sink.envelopes()
                 if e["message_id"] in ids]
    assert collections.Counter(
        (e["message_id"], r) for e in envelopes
        for r in e["recipients"]) == wanted
    copies = {}
    for e in envelopes:
        data = system.sink.data(e)
        assert system.rspamd.verify(data), e
        copies[e["message_id"]] = data
    return copies


def mark_in(data):
    """The token of a delivered copy, None when it is not marked."""
    found = MARK.search(data)
    assert (found is None) == (pixel_path(data) is None)
    return found[1].decode() if found else None


def stored(system):
    """The tables as multisets, so that twice is not once."""
    return {
        "message": system.counter(
            "SELECT queue_id, CONCAT('<', message_id, '>'), offers, nrcpt, "
            "recipients, marks FROM message"),
        "recipient": system.counter("SELECT queue_id, rcpt FROM recipient"),
        "token": system.counter("SELECT queue_id, token FROM token"),
        "ev_offer": system.counter("SELECT queue_id FROM ev_offer"),
        "ev_rcpt": system.counter("SELECT queue_id, rcpt FROM ev_rcpt"),
        "ev_mark": system.counter("SELECT queue_id, token FROM ev_mark"),
    }


def expected(messages, queue_ids, copies):
    """What stored() must be when each of these messages is there once."""
    c = collections.Counter
    marks = {m[0]: mark_in(copies[m[0]]) for m in messages}
    tokens = c((queue_ids[i], t) for i, t in marks.items() if t)
    rcpts = c((queue_ids[m[0]], r) for m in messages for r in m[2])
    return {
        "message": c((queue_ids[m[0]], m[0], 1, len(m[2]), len(m[2]),
                      1 if marks[m[0]] else 0) for m in messages),
        "recipient": rcpts, "ev_rcpt": rcpts,
        "token": tokens, "ev_mark": tokens,
        "ev_offer": c((queue_ids[m[0]],) for m in messages),
    }


def test_2000_messages_from_20_connections(own_system):
    system = own_system
    messages = mixed(2000, "calm")
    crowd = Crowd(system.postfix.port, messages, connections=20)
    crowd.start().join()
    assert not crowd.failed and not crowd.retried
    system.postfix.wait_empty()
    copies = copies_of(system, messages)
    for message_id, _, _, data in messages:
        assert (mark_in(copies[message_id]) is not None) == \
            (b"text/html" in data)
    system.wait_stored()
    got, want = stored(system), expected(messages, crowd.accepted, copies)
    for table in want:
        assert got[table] == want[table], table
    system.ours.check_logs()


class Kills:
    """kill -9 of one thing after another while a crowd is at work."""

    def __init__(self, system, crowd):
        self.system, self.crowd = system, crowd
        self.away = {}  # what -> (killed, ready again), time.monotonic()

    def run(self, every):
        daemons = self.system.ours.daemons
        redis, mariadb = self.system.redis, self.system.mariadb
        for what, kill, start in (
                ("milter", daemons["milter"].kill,
                 daemons["milter"].start_notify),
                ("ship", daemons["ship"].kill, daemons["ship"].start_notify),
                ("collector", daemons["collector"].kill,
                 daemons["collector"].start_notify),
                ("redis", redis.kill, redis.start),
                ("an empty redis", lambda: (redis.kill(), redis.forget()),
                 redis.start),
                ("mariadb", mariadb.kill, mariadb.start)):
            self._wait_accepted(every)
            killed = time.monotonic()
            kill()
            # Mail flows while it is away.
            self._wait_accepted(40)
            start()
            self.away[what] = (killed, time.monotonic())

    def _wait_accepted(self, more):
        goal = len(self.crowd.accepted) + more
        assert goal <= self.crowd.total, "too few messages for all kills"
        wait_for(lambda: len(self.crowd.accepted) >= goal, 120,
                 f"{goal} accepted messages")


def test_2000_messages_while_everything_is_killed(own_system):
    """The rule, exactly:

    1. Every message a client was told is queued is delivered exactly once to
       each recipient, and its signature holds; no client was refused.
    2. What is in MariaDB is there once: one offer, each recipient once, at
       most one mark; and it is mail that was queued.
    3. A mark in a delivered copy proves that the milter had appended its
       records before it answered: every such message is in MariaDB, with
       that token.
    4. kill -9 of the milter lets mail pass unmarked and perhaps unrecorded
       (default_action=accept): only mail of SMTP connections that were open,
       or opened, while the milter was away. All other mail is marked, hence
       recorded.
    """
    system = own_system
    messages = [m for m in mixed(2800, "storm") if b"text/html" in m[3]][:2000]
    crowd = Crowd(system.postfix.port, messages, connections=20,
                  per_connection=10, pause=0.05)
    crowd.start()
    kills = Kills(system, crowd)
    kills.run(every=200)
    crowd.join()
    assert not crowd.failed and not crowd.retried and not crowd.doubtful
    system.postfix.wait_empty()
    copies = copies_of(system, messages)
    system.wait_stored(120)

    got = stored(system)
    in_db = {row[1] for row in got["message"]}
    recorded = [m for m in messages if m[0] in in_db]
    want = expected(recorded, crowd.accepted, copies)
    assert got["ev_offer"] == want["ev_offer"]
    assert got["ev_rcpt"] == want["ev_rcpt"]
    assert got["recipient"] == want["recipient"]
    # A milter that was killed after its append and before its answer has
    # recorded a mark that the copy has not.
    for table in ("ev_mark", "token"):
        assert max(got[table].values()) == 1
        assert not want[table] - got[table]
        assert {row[0] for row in got[table] - want[table]} <= {
            crowd.accepted[m[0]] for m in recorded
            if not mark_in(copies[m[0]])}
    assert {row[:5] for row in got["message"]} == \
        {row[:5] for row in want["message"]}
    assert max(got["message"].values()) == 1

    killed, ready = kills.away["milter"]
    unmarked = [m[0] for m in messages if mark_in(copies[m[0]]) is None]
    for message_id in unmarked:
        connected, _, accepted = crowd.times[message_id]
        assert connected <= ready and accepted >= killed, \
            f"{message_id} passed a living milter unmarked"
    assert all(m[0] in in_db for m in messages
               if mark_in(copies[m[0]]) is not None)
    passed = len(messages) - len(recorded)
    print(f"{len(recorded)} recorded, {passed} passed while the milter was "
          f"away, {len(unmarked)} unmarked")
    assert 0 < len(recorded) and passed <= len(unmarked)


TABLES = ("ev_offer", "ev_rcpt", "ev_mark", "ev_open", "message", "recipient",
          "token", "open_day", "message_open", "counter")


def record(system, n):
    """The stream's entries of n messages to two recipients each, all marked,
    each opened once: [(field, value), ...] as Redis has them."""
    system.ours.daemons["collector"].stop()
    messages = [(f"<tape.{i}@example.org>", SENDER,
                 [f"a{i}@example.com", f"b{i}@example.net"], None)
                for i in range(n)]
    messages = [(m, s, r, html_message(m, s, r)) for m, s, r, _ in messages]
    crowd = Crowd(system.postfix.port, messages).start().join()
    assert not crowd.failed
    system.postfix.wait_empty()
    paths = [pixel_path(d) for d in copies_of(system, messages).values()]
    assert all(paths)

    def fetch(some):
        for path in some:
            assert system.fetch(path)[0] == 200

    threads = [threading.Thread(target=fetch, args=(paths[i::8],))
               for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    with system.redis.connect() as c:
        stream = system.ours.values["redis_stream"]
        wait_for(lambda: c.xlen(stream) >= 5 * n, 60, "all events in Redis")
        return [list(fields.items()) for _, fields in c.xrange(stream)]


def replay(system, name, entries, collectors=1):
    """The tables after these entries went through a stream of their own."""
    database, stream = f"replay_{name}", f"replay:{name}"
    system.ours.make_database(database)
    with system.redis.connect() as c:
        pipe = c.pipeline(transaction=False)
        for fields in entries:
            pipe.xadd(stream, dict(fields))
        pipe.execute()
        system.ours.command("-o", f"db_name={database}", "schema", "migrate")
        collector = system.ours.daemons["collector"]
        running = [Process(f"collector-{name}-{k}", [
            *collector.argv, "-o", f"db_name={database}", "-o",
            f"redis_stream={stream}", "-o", f"consumer=c{k}", "-o",
            f"batch={random.choice((97, 500, 4000))}"],
            collector.directory).start_notify() for k in range(collectors)]
        try:
            wait_for(lambda: drained(c, stream), 120, f"{name} to be stored")
        finally:
            for p in running:
                p.stop()
    return {t: sorted(system.mariadb.query(f"SELECT * FROM {t}", None,
                                           database), key=repr)
            for t in TABLES}


def drained(redis, stream):
    groups = redis.xinfo_groups(stream)
    return groups and all(g["pending"] == 0 and g["lag"] == 0
                          for g in groups)


def test_10000_events_shuffled_and_repeated_give_the_same_tables(own_system):
    system = own_system
    entries = record(system, 2000)
    assert len(entries) >= 10000
    straight = replay(system, "straight", entries)
    assert len(straight["message"]) == 2000
    assert len(straight["recipient"]) == 4000
    assert len(straight["ev_open"]) == 2000
    seed = secrets.randbits(32)
    rng = random.Random(seed)
    print(f"seed {seed}")
    shuffled = entries[:]
    rng.shuffle(shuffled)
    repeated = shuffled + rng.choices(entries, k=3000)
    rng.shuffle(repeated)
    for name, variant, collectors in (
            ("backwards", entries[::-1], 1), ("shuffled", shuffled, 1),
            ("repeated", repeated, 2)):
        got = replay(system, name, variant, collectors)
        for table in TABLES:
            assert got[table] == straight[table], f"{name}: {table}"
