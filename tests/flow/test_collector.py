# SPDX-License-Identifier: BSD-2-Clause
"""The collector between a real Redis and a real MariaDB: every event stored
once, whatever is repeated, shuffled, killed or made of garbage."""

import os
import random
import time

import pytest

from tests.lib import events as ev
from tests.lib.collecting import DAY, assert_stored, unique
from tests.lib.process import wait_for
from tests.lib.redis import Redis


def test_every_event_is_stored_once_and_the_stream_is_trimmed(collecting):
    events = ev.Run(3000).events
    collecting.start()
    collecting.add(events)
    collecting.wait_stored()
    assert_stored(collecting, events)
    assert collecting.dead() == []
    # what is odd in an address neither stops an event nor breaks a rollup
    assert collecting.query(
        "SELECT sender_key, sender_domain FROM message WHERE sender = "
        "'\"a b\"@Example.ORG' LIMIT 1") == (
            ("\"a b\"@example.org", "example.org"),)
    assert collecting.query("SELECT DISTINCT sender_domain FROM message "
                            "WHERE sender IN ('', 'Root', '<>')") == (("",),)


def test_shuffled_and_repeated_events_give_the_same_tables(
        collecting, another):
    recorded = ev.Run(10000)
    collecting.add(recorded.events)
    collecting.start()
    # repeated in other batches, through two collectors at once
    another.add(recorded.shuffled())
    another.start("first", batch=700)
    another.start("second", batch=300)
    collecting.wait_stored(120)
    another.wait_stored(120)
    assert_stored(collecting, recorded.events)
    ours, others = collecting.dump(), another.dump()
    for table in ev.TABLES:
        assert ours[table] == others[table], table
    assert all(ours[t] for t in ev.TABLES), "every table has rows"
    for daemon in collecting.daemons + another.daemons:
        assert "<3>" not in daemon.text(), daemon.tail()


def test_marks_and_opens_meet_in_any_order_through_two_collectors(collecting):
    """Mark and opens of a token in different collectors' hands at once."""
    start = ev.now_us() - 3600 * 1_000_000
    r = random.Random(7)
    collecting.start("first", batch=3)
    collecting.start("second", batch=2)
    events = []
    for i in range(400):
        at, token = start + i * 1000, f"{r.getrandbits(128):032x}"
        queue_id = ev.long_queue_id(at, i + 1)
        parts = [ev.offer(at, "mx", queue_id), ev.mark(at, "mx", queue_id,
                                                       token),
                 ev.opened(at + 5, token, "human_likely"),
                 ev.opened(at + 9, token, "scanner")]
        r.shuffle(parts)
        events += parts
    for i in range(0, len(events), 40):
        collecting.add(events[i:i + 40])
    collecting.wait_stored()
    assert_stored(collecting, events)
    assert collecting.query(
        "SELECT COUNT(*), SUM(n_human_likely), SUM(n_scanner) "
        "FROM message_open") == ((400, 400, 400),)


GARBAGE = [
    ({"x": "y"}, "does not begin with the fields 'v' and 't'"),
    ({"v": "1", "t": "nonsense"}, "unknown event type"),
    ({"v": "99", "t": "mark"}, "mark: version 99 is newer than ours (1)"),
    ({"v": "0", "t": "mark"}, "v: not a version"),
    ({"v": "1", "t": "mark", "at": "yesterday"}, "mark: at: not a time"),
    ({"v": "1", "t": "mark", "at": "2026-01-01T00:00:00Z"},
     "mark: host: missing"),
    (ev.mark(1, "h" * 300, "q", "0"), "mark: host: longer than 255 bytes"),
    (ev.mark(1, "mx", "q", b"\xff\xfe"), "mark: token: not clean UTF-8"),
    (ev.opened(1, "0", "alien"), "open: class: unknown word"),
    (ev.offer(1, "mx", "q", size="-1"), "offer: size: not a number"),
    (ev.offer(1, "mx", "q", client="300.1.1.1"),
     "offer: client: not an address"),
]


def test_garbage_becomes_dead_letters_with_the_reason(collecting):
    garbage = [dict(fields) for fields, _ in GARBAGE]
    garbage[7]["token"] = b"\xff\xfe"
    good = ev.Run(200).events
    mixed = list(good)
    for i, fields in enumerate(garbage):
        mixed.insert(i * 15, fields)
    collecting.add(mixed)
    collecting.start()
    collecting.wait_stored()
    assert_stored(collecting, good)
    with collecting.redis.connect() as c:
        c.connection_pool.connection_kwargs["encoding_errors"] = \
            "backslashreplace"
        reasons = sorted(f["dead_reason"] for _, f in
                         c.xrange(f"{collecting.stream}:dead"))
    assert reasons == sorted(reason for _, reason in GARBAGE)


def test_newer_writers_fields_are_ignored(collecting):
    event = ev.offer(ev.now_us(), "mx", "AAAAA", tomorrow="sunny")
    collecting.add([event])
    collecting.start()
    collecting.wait_stored()
    assert collecting.count("ev_offer") == 1
    assert collecting.dead() == []


def test_what_cannot_be_stored_is_found_and_put_aside(collecting):
    """One poisoned event in a batch is a dead letter; its peers are stored."""
    collecting.query("ALTER TABLE ev_offer ADD CONSTRAINT poison "
                     "CHECK (sender <> 'poison@example.org')")
    events = ev.Run(600).events
    at = ev.now_us()
    poison = [ev.offer(at + i, "mx", f"AAAA{i}", sender="poison@example.org")
              for i in range(2)]
    mixed = events[:200] + poison[:1] + events[200:555] + poison[1:] \
        + events[555:]
    collecting.add(mixed)
    collecting.start()
    collecting.wait_stored()
    assert_stored(collecting, events)
    dead = collecting.dead()
    assert sorted(d["queue_id"] for d in dead) == ["AAAA0", "AAAA1"]
    assert all("CONSTRAINT `poison` failed" in d["dead_reason"] and
               d["dead_reason"].startswith("ev_offer: ") for d in dead), dead
    collecting.query("ALTER TABLE ev_offer DROP CONSTRAINT poison")
    collecting.mailtrail("dead", "replay", "--all")
    collecting.wait_stored()
    assert_stored(collecting, events + poison)
    assert collecting.dead() == []


def test_nothing_is_cut_in_silence(collecting):
    """A column somebody made shorter behind our back fails the insert."""
    daemon = collecting.start()
    collecting.query("ALTER TABLE ev_offer MODIFY subject VARCHAR(10)")
    collecting.add([ev.offer(ev.now_us(), "mx", "AAAAA",
                             subject="longer than that")])
    wait_for(collecting.dead, 20, "the dead letter")
    assert collecting.dead()[0]["dead_reason"].startswith(
        "ev_offer: mariadb: Data truncated for column 'subject'")
    assert collecting.count("ev_offer") == 0
    assert daemon.running()


def test_killed_between_commit_and_acknowledgement(collecting):
    """Redis takes the entries' acknowledgement never; then -9; then again."""
    with collecting.redis.connect() as c:
        c.execute_command("ACL", "SETUSER", "half", "reset", "on", ">half",
                          "~*", "+@all", "-xack")
    secret = os.path.join(collecting.directory, "half.password")
    with open(secret, "w", encoding="ascii") as f:
        f.write("half\n")
    os.chmod(secret, 0o600)
    events = ev.Run(1000).events
    daemon = collecting.process(redis_user="half",
                                redis_password_file=secret)
    collecting.add(events)
    daemon.start()
    wait_for(lambda: collecting.count("ev_offer") == unique(
        events, "offer", "at", "host", "queue_id"), 30, "the commit")
    time.sleep(0.3)
    daemon.kill()
    assert collecting.left() == len(events), "nothing was acknowledged"
    written = ev.EVENT_TABLES + ("message", "recipient", "token", "open_day")
    before = collecting.dump(written)
    collecting.start()
    collecting.wait_stored()
    assert collecting.dump(written) == before
    assert_stored(collecting, events)


def test_killed_again_and_again(collecting):
    """kill -9 at any moment; every event is there once in the end."""
    events = ev.Run(8000).events
    collecting.add(events)
    r = random.Random(3)
    for _ in range(12):
        daemon = collecting.process(batch=400).start()
        time.sleep(r.uniform(0.02, 0.4))
        daemon.kill()
    collecting.start()
    collecting.wait_stored(120)
    assert_stored(collecting, events)


def test_a_dead_peers_entries_are_taken_over(collecting):
    with collecting.redis.connect() as c:
        events = ev.Run(500).events
        collecting.add(events)
        c.xreadgroup("mailtrail", "gone", {collecting.stream: ">"}, 200)
    collecting.start("alive", claim_ms=300)
    collecting.wait_stored()
    assert_stored(collecting, events)


def test_two_redis_endpoints_are_both_drained(collecting, own_lab):
    second = Redis(own_lab, "second").start()
    first_half, second_half = ev.Run(2000, seed=5).events, \
        ev.Run(2000, seed=6).events
    collecting.add(first_half)
    ev.add(second, collecting.stream, second_half)
    daemon = collecting.start(redis=f"unix:{collecting.redis.socket} "
                                    f"unix:{second.socket}")
    collecting.wait_stored()
    with second.connect() as c:
        wait_for(lambda: c.xlen(collecting.stream) == 0, 30, "the second")
    assert_stored(collecting, first_half + second_half)
    # one that is away does not keep the other from working
    second.kill()
    more = ev.Run(500, seed=8).events
    collecting.add(more)
    collecting.wait_stored()
    second.start()
    again = ev.Run(500, seed=9).events
    ev.add(second, collecting.stream, again)
    with second.connect() as c:
        wait_for(lambda: c.xlen(collecting.stream) == 0, 30, "the second")
    assert_stored(collecting, first_half + second_half + more + again)
    assert daemon.stop() == 0


def test_an_empty_new_redis_is_served(collecting, own_lab):
    server = Redis(own_lab).start()
    daemon = collecting.start(redis=f"unix:{server.socket}")
    server.kill()
    server.forget()
    server.start()
    events = ev.Run(300).events
    ev.add(server, collecting.stream, events)
    with server.connect() as c:
        wait_for(lambda: c.xlen(collecting.stream) == 0, 30, "the stream")
    assert_stored(collecting, events)
    assert daemon.stop() == 0


def test_an_emptied_redis_is_served_without_a_shipper(collecting, own_lab):
    """Nobody else makes the stream and its group again."""
    server = Redis(own_lab).start()
    daemon = collecting.start(redis=f"unix:{server.socket}")
    events = ev.Run(300).events
    with server.connect() as c:
        for part in (events[:150], events[150:]):
            ev.add(server, collecting.stream, part)
            wait_for(lambda: c.xlen(collecting.stream) == 0, 10, "the stream")
            wait_for(lambda: any("b" in x["flags"] for x in c.client_list()),
                     10, "a client that is blocked")
            c.flushall()
            before = c.info("stats")["total_commands_processed"]
            time.sleep(1)
            asked = c.info("stats")["total_commands_processed"] - before
            assert asked < 100, "it goes on asking for what is not there"
    assert_stored(collecting, events)
    assert daemon.stop() == 0


def test_counters_begun_anew_do_not_stop_an_earlier_sender(collecting):
    """A re-delivered offer of another sender takes opens from counters that
    were pruned since: from nothing, nothing can be taken."""
    at, token = ev.now_us() - 3600 * 1_000_000, "ab" * 16
    queue_id = ev.long_queue_id(at, 1)
    collecting.start()
    collecting.add([ev.offer(at + 9, "mx", queue_id, sender="a@late.example"),
                    ev.mark(at + 9, "mx", queue_id, token),
                    ev.opened(at + 20, token, "human_likely"),
                    ev.opened(at + 21, token, "human_likely")])
    collecting.wait_stored()
    collecting.query("UPDATE counter SET n = 1 WHERE what = 'open'")
    collecting.add([ev.offer(at + 8, "mx", queue_id, sender="a@early.example")])
    collecting.wait_stored()
    assert collecting.query(
        "SELECT domain, n FROM counter WHERE what = 'open' ORDER BY domain"
    ) == (("early.example", 2), ("late.example", 0))


def test_a_full_redis_with_garbage_in_it_is_emptied(collecting, own_lab):
    """It refuses the dead letter until there is room, which only we make."""
    server = Redis(own_lab).start()
    events = ev.Run(4000).events
    with server.connect() as c:
        c.xgroup_create(collecting.stream, "mailtrail", "0", mkstream=True)
        ev.add(server, collecting.stream,
               [{"x": "y"}] + events[:2000] + [{"x": "y"}] + events[2000:])
        c.config_set("maxmemory", c.info("memory")["used_memory"] - 100_000)
        with pytest.raises(Exception, match="OOM|maxmemory"):
            c.xadd("another", {"a": "b"})
        daemon = collecting.start(redis=f"unix:{server.socket}")
        wait_for(lambda: c.xlen(collecting.stream) == 0, 20, "the stream")
        assert c.xlen(f"{collecting.stream}:dead") == 2
    assert_stored(collecting, events)
    assert daemon.stop() == 0


def partitions(c, table):
    return [row[0] for row in c.query(
        "SELECT partition_name FROM information_schema.partitions WHERE "
        "table_schema = DATABASE() AND table_name = %s "
        "ORDER BY partition_ordinal_position", (table,))]


def day_name(us):
    return "p" + ev.text_time(us)[:10].replace("-", "")


def test_partitions_are_made_ahead_and_pruned(collecting):
    now = ev.now_us()
    c = collecting
    c.start(days_ahead=12)
    wait_for(lambda: day_name(now + 12 * DAY) in partitions(c, "message"),
             20, "the partitions")
    assert partitions(c, "ev_offer")[-1] == "p_max"
    assert partitions(c, "counter")[-1] == "p_max"
    # the first takes what is older, the last what is later
    odd = [ev.offer(now - 400 * DAY, "mx", "AAAAA"),
           ev.offer(now + 400 * DAY, "mx", "BBBBB"),
           ev.offer(now, "mx", "CCCCC")]
    c.add(odd)
    c.wait_stored()
    assert c.count("message") == 3
    first = partitions(c, "message")[0]
    assert c.query(f"SELECT queue_id FROM message PARTITION ({first})")[0] \
        == ("AAAAA",)
    # as if days had passed: what is due goes, and only that
    c.query("ALTER TABLE ev_offer REORGANIZE PARTITION "
            f"{first} INTO (PARTITION p20010101 VALUES LESS THAN "
            "('2001-01-02'), PARTITION "
            f"{day_name(now - 300 * DAY)} VALUES LESS THAN "
            f"('{ev.text_time(now - 299 * DAY)[:10]}'), PARTITION {first} "
            f"VALUES LESS THAN ('{ev.text_time(now + DAY)[:10]}'))")
    listed = c.mailtrail("prune", "--dry-run").stdout
    assert day_name(now - 300 * DAY) in listed
    assert day_name(now - 300 * DAY) in partitions(c, "ev_offer")
    c.mailtrail("prune")
    assert day_name(now - 300 * DAY) not in partitions(c, "ev_offer")
    assert sorted(c.query("SELECT queue_id FROM ev_offer")) == [
        ("BBBBB",), ("CCCCC",)]


def test_idle_costs_nothing_and_the_end_is_prompt(collecting):
    daemon = collecting.start()
    collecting.add(ev.Run(100).events)
    collecting.wait_stored()

    def ticks():
        with open(f"/proc/{daemon.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    time.sleep(0.5)
    before = ticks()
    time.sleep(3)
    assert ticks() - before <= 1
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 1


def test_the_configuration_is_read_again(collecting):
    daemon = collecting.start()
    path = collecting.conf("collector", batch="rubbish")
    daemon.signal(10)  # SIGUSR1
    wait_for(lambda: "batch" in daemon.text(), 10, "the complaint")
    events = ev.Run(200).events
    collecting.add(events)
    collecting.wait_stored()
    assert path
    collecting.conf("collector", batch=50)
    daemon.signal(10)
    wait_for(lambda: "configuration read again" in daemon.text(), 10,
             "the new configuration")
    more = ev.Run(200, seed=4).events
    collecting.add(more)
    collecting.wait_stored()
    assert_stored(collecting, events + more)


def test_the_collectors_role_is_enough_and_readers_see_no_token(
        collecting, mariadb):
    """schema/database.sql and grants.sql, on the test's own database."""
    c = collecting
    root = os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))))
    for name in ("database.sql", "grants.sql"):
        with open(os.path.join(root, "schema", name),
                  encoding="utf-8") as f:
            mariadb.script(f.read().replace("`mailtrail`",
                                            f"`{c.database}`"))
    password = mariadb.account(f"{c.database}_c", "c",
                               role="mailtrail_collector")
    mariadb.account(f"{c.database}_r", "r", role="mailtrail_reader")
    events = ev.Run(500).events
    c.add(events)
    daemon = c.start(db_user=f"{c.database}_c", db_password_file=password,
                     days_ahead=20)
    c.wait_stored()
    assert day_name(ev.now_us() + 20 * DAY) in partitions(c, "message")
    assert "<4>" not in daemon.text(), daemon.tail()
    assert_stored(c, events)
    with mariadb.connect(c.database, f"{c.database}_r") as reader, \
            reader.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM v_open")
        assert cursor.fetchone()[0] > 0
        for table in ev.TABLES + ("policy_rule", "consent"):
            with pytest.raises(Exception, match="denied"):
                cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        cursor.execute("SELECT table_name, column_name FROM "
                       "information_schema.columns WHERE table_schema = %s "
                       "AND column_name IN ('token', 'fingerprint', 'twin')",
                       (c.database,))
        assert cursor.fetchall() == ()
