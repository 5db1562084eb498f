# SPDX-License-Identifier: BSD-2-Clause
"""A collector that is behind stores with several writers at the same time;
one that is not does it with one."""

import json
import random
import time

import pytest

from tests.lib import events as ev
from tests.lib.checked import assert_cost
from tests.lib.collecting import EX_CONFIG, Collecting, assert_stored
from tests.lib.process import stopped, wait_for
from tests.lib.redis import Redis
from tests.lib.trails import Trails


def consumers(c):
    with c.redis.connect() as redis:
        if not redis.exists(c.stream):
            return set()
        return {one["name"] for one in
                redis.xinfo_consumers(c.stream, "mailtrail")}


def in_hand(c, consumer):
    """Entries it was given and has not acknowledged."""
    with c.redis.connect() as redis:
        return sum(one["pending"] for one in
                   redis.xinfo_consumers(c.stream, "mailtrail")
                   if one["name"] == consumer)


def connections(c):
    return c.query("SELECT COUNT(*) FROM information_schema.processlist "
                   "WHERE db = %s AND id <> CONNECTION_ID()",
                   (c.database,))[0][0]


def test_a_backlog_takes_them_all_and_then_one_is_enough(collecting):
    events = ev.Run(5000).events
    collecting.add(events)
    daemon = collecting.start("c", batch=150, writers=3)
    collecting.wait_stored(300)
    assert_stored(collecting, events)
    assert consumers(collecting) == {"c", "c/2", "c/3"}
    wait_for(lambda: connections(collecting) == 1, 20,
             "the others to close their connections")
    # What comes one by one is the first one's.
    more = ev.Run(50, seed=8).events
    for event in more:
        collecting.add([event])
    collecting.wait_stored()
    assert connections(collecting) == 1
    assert collecting.dead() == []
    # Neither has the other wait for long, nor end in a deadlock.
    assert "<3>" not in daemon.text() and "<4>" not in daemon.text(), \
        daemon.tail()


def test_trails_are_the_same(collecting, another):
    trails = Trails(250, seed=21)
    collecting.add(trails.events)
    collecting.start(batch=5000, writers=1)
    collecting.wait_stored(300)
    another.add(trails.shuffled(seed=22))
    another.start(batch=40, writers=4)
    another.wait_stored(300)
    tables = ev.LOG_TABLES + ev.TRAIL_TABLES
    ours, others = collecting.dump(tables), another.dump(tables)
    for table in tables:
        assert ours[table] == others[table] != [], table


def test_one_writer_is_alone(collecting):
    events = ev.Run(1000).events
    collecting.add(events)
    collecting.start("c", batch=100, writers=1)
    collecting.wait_stored(120)
    assert_stored(collecting, events)
    assert consumers(collecting) == {"c"}


def test_what_the_second_left_is_stored_at_the_next_start(collecting):
    events = ev.Run(500).events
    collecting.add(events)
    with collecting.redis.connect() as c:
        c.xreadgroup("mailtrail", "c/2", {collecting.stream: ">"}, 200)
    collecting.start("c", claim_ms=86400000)
    collecting.wait_stored()
    assert_stored(collecting, events)


def test_killed_while_it_catches_up(collecting):
    events = ev.Run(3000, seed=5).events
    collecting.add(events)
    r = random.Random(4)
    for _ in range(6):
        daemon = collecting.process("c", batch=100, writers=3).start()
        time.sleep(r.uniform(0.05, 0.5))
        daemon.kill()
    collecting.start("c")
    collecting.wait_stored(120)
    assert_stored(collecting, events)


@pytest.mark.parametrize("writers", [1, 4])
def test_the_number_changes_while_it_catches_up(collecting, writers):
    events = ev.Run(3000, seed=6).events
    collecting.add(events)
    daemon = collecting.start("c", batch=50, writers=2)
    collecting.conf("c", consumer="c", batch=50, writers=writers)
    daemon.signal(10)  # SIGUSR1
    wait_for(lambda: "configuration read again" in daemon.text(), 60,
             "the new configuration")
    # And nobody has to wait for claim_ms.
    collecting.wait_stored(30)
    assert_stored(collecting, events)
    assert daemon.stop() == 0, daemon.tail()


def test_large_events_take_no_more_memory(collecting):
    events = [ev.scan(ev.now_us() + i, "mx", f"{i:010X}", symbols=json.dumps(
        {"LARGE": {"score": 0, "options": [f"{i:x}" + "x" * 15000]}}))
        for i in range(3000)]
    collecting.add(events)
    daemon = collecting.start(writers=2)
    collecting.wait_stored(120)
    assert collecting.count("ev_scan") == len(events)
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as f:
        most = next(int(line.split()[1]) for line in f
                    if line.startswith("VmHWM"))
    assert_cost(most, 64 * 1024)


def test_redis_hangs_while_a_writer_is_dismissed(
        build, own_lab, mariadb, database):
    redis = Redis(own_lab).start()
    collecting = Collecting(build, own_lab, redis, mariadb, database,
                            "hangs").migrate()
    events = ev.Run(3000, seed=9).events
    collecting.add(events)
    short = {"consumer": "c", "batch": 50, "redis_timeout_ms": 1000,
             "claim_ms": 1000}
    with mariadb.connect(database) as locker, locker.cursor() as cursor:
        cursor.execute("LOCK TABLES ev_offer WRITE")
        daemon = collecting.start("c", writers=2, **short)
        wait_for(lambda: in_hand(collecting, "c/2") > 0, 20,
                 "the second writer to have events in hand")
        with stopped(redis.process.pid):
            cursor.execute("UNLOCK TABLES")
            collecting.conf("c", writers=1, **short)
            daemon.signal(10)  # SIGUSR1
            wait_for(lambda: "configuration read again" in daemon.text(), 30,
                     "the new configuration, without Redis")
    assert "no answer in time" in daemon.text()
    # What the second had been given is the first one's before long, unless
    # Redis, when it goes on, still finds the acknowledgement.
    collecting.wait_stored(60)
    assert_stored(collecting, events)
    assert daemon.stop() == 0, daemon.tail()


def test_no_writer_is_none(collecting):
    daemon = collecting.process(writers=0).start()
    assert daemon.wait() == EX_CONFIG
    assert "writers: must not be 0" in daemon.text()


def test_a_password_that_cannot_be_read_costs_a_writer_only(
        collecting, tmp_path):
    """The second reads it when it is woken, the first once at its start."""
    password = tmp_path / "password"
    password.write_text("any\n")
    password.chmod(0o600)
    events = ev.Run(3000, seed=7).events
    collecting.add(events[:1500])
    daemon = collecting.start("c", batch=50, writers=2,
                              redis_user="default",
                              redis_password_file=password)
    collecting.wait_stored(120)
    assert "c/2" in consumers(collecting)
    wait_for(lambda: connections(collecting) == 1, 20, "the second to rest")
    password.unlink()
    collecting.add(events[1500:])
    collecting.wait_stored(120)
    assert_stored(collecting, events)
    assert "going on with a writer less" in daemon.text()
    assert daemon.stop() == 0
