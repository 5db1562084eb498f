# SPDX-License-Identifier: BSD-2-Clause
"""What became of each recipient, worked out by real collectors from events
that arrive in any order, more than once, and through several of them."""

import pytest

from tests.lib import events as ev
from tests.lib.trails import HOST, Trails

SHORT = [f"{n:06X}" for n in range(0xA0000, 0xA0000 + 7)]
TABLES = ev.LOG_TABLES + ev.TRAIL_TABLES


def statuses(c):
    """Of envelope recipients: the last life's, when an id has several."""
    return {(queue_id, rcpt): status for queue_id, rcpt, status in c.query(
        "SELECT queue_id, rcpt_key, status FROM v_recipient ORDER BY born")}


def store(c, events, **collectors):
    c.add(events)
    for name, batch in (collectors or {"collector": 500}).items():
        c.start(name, batch=batch)
    c.wait_stored(300)
    assert c.dead() == []
    for daemon in c.daemons:
        assert "<3>" not in daemon.text(), daemon.tail()


@pytest.mark.parametrize("resolution", [1, 1_000_000])
def test_each_recipient_has_its_last_status(collecting, another, resolution):
    trails = Trails(600, resolution=resolution)
    store(collecting, trails.events)
    truth, found = trails.truth(), statuses(collecting)
    assert {k: found.get(k) for k in truth} == truth
    store(another, trails.shuffled(), first=170, second=60)
    ours, others = collecting.dump(TABLES), another.dump(TABLES)
    for table in TABLES:
        assert ours[table] == others[table], table
        assert ours[table], table


def test_lives_of_short_ids_are_told_apart(collecting, another):
    trails = Trails(700, seed=3, ids=SHORT)
    store(collecting, trails.events)
    truth, found = trails.truth(), statuses(collecting)
    assert {k: found.get(k) for k in truth} == truth
    # A life is one row, though a short id says nothing of when.
    assert collecting.count("message") == 700
    assert collecting.query("SELECT COUNT(*) FROM v_message "
                            "WHERE ambiguous <> 0") == ((0,),)
    store(another, trails.shuffled(), first=170, second=60)
    ours, others = collecting.dump(TABLES), another.dump(TABLES)
    for table in TABLES:
        assert ours[table] == others[table], table


@pytest.mark.parametrize("resolution", [1, 1_000_000])
def test_a_short_id_is_used_a_thousand_times(collecting, another, resolution):
    trails = Trails(1000, seed=4, ids=["A1B2C3D4"], resolution=resolution)
    store(collecting, trails.events)
    assert collecting.count("message") == 1000
    truth, found = trails.truth(), statuses(collecting)
    assert {k: found.get(k) for k in truth} == truth
    store(another, trails.shuffled(), first=900, second=400)
    ours, others = collecting.dump(TABLES), another.dump(TABLES)
    for table in TABLES:
        assert ours[table] == others[table], table


def test_lives_within_one_second_are_flagged_not_guessed(collecting):
    at = ev.now_us() // 1_000_000 * 1_000_000 - 60_000_000
    store(collecting, [
        ev.queue(at - 5_000_000, HOST, "ABCDE1", "client", 1),
        ev.deliver(at, HOST, "ABCDE1", "a@example.com", "sent", 2),
        ev.queue(at, HOST, "ABCDE1", "removed", 3),
        ev.queue(at, HOST, "ABCDE1", "client", 4),
        ev.queue(at + 1_000_000, HOST, "ABCDE1", "removed", 5)])
    assert collecting.query("SELECT ambiguous FROM v_message") == ((1,), (1,))


def test_a_first_line_that_comes_last_joins_the_offer(collecting):
    """The offer names the life; a stub made from the log goes."""
    at = ev.now_us() - 60_000_000
    client = ev.queue(at - 500, HOST, "ABCDE2", "client", 1)
    offer = ev.offer(at, HOST, "ABCDE2")
    collecting.start(batch=1)
    for event in (client, ev.rcpt(at, HOST, "ABCDE2", "a@example.com"), offer,
                  ev.deliver(at + 9, HOST, "ABCDE2", "a@example.com")):
        collecting.add([event])
        collecting.wait_stored()
    [row] = collecting.query("SELECT born = offered_at, status, first_at < "
                             "born, recipients FROM message")
    assert row == (1, "delivered", 1, 1)


@pytest.mark.parametrize("line", [1, 9])
def test_what_is_held_in_the_second_of_an_attempt_is_held(collecting, line):
    """Whatever the hashes of their lines, by which they are sorted."""
    at = ev.now_us() // 1_000_000 * 1_000_000 - 60_000_000
    queue_id = ev.long_queue_id(at - 9_000_000, 1)
    released = ev.long_queue_id(at - 8_000_000, 2)
    store(collecting, [
        ev.queue(at, HOST, queue_id, "active", 5),
        ev.deliver(at, HOST, queue_id, "a@example.com", "deferred", 5),
        ev.queue(at, HOST, queue_id, "held", line),
        ev.queue(at, HOST, released, "held", line),
        ev.queue(at, HOST, released, "released", 5),
        ev.queue(at, HOST, released, "active", 10 - line),
        ev.deliver(at, HOST, released, "a@example.com", "deferred", 5)])
    assert statuses(collecting) == {
        (queue_id, "a@example.com"): "held",
        (released, "a@example.com"): "deferred"}


def test_a_redirected_copy_is_for_all_recipients(collecting):
    at = ev.now_us() - 60_000_000
    queue_id = ev.long_queue_id(at, 3)
    store(collecting, [
        ev.offer(at, HOST, queue_id),
        ev.rcpt(at, HOST, queue_id, "a@example.com"),
        ev.rcpt(at, HOST, queue_id, "b@example.com"),
        ev.reject(at, HOST, 1, "redirect", queue_id=queue_id,
                  rcpt="b@example.com", stage="rcpt"),
        ev.queue(at, HOST, queue_id, "active", 2),
        ev.deliver(at, HOST, queue_id, "boss@example.com", line=3,
                   orig_to="a@example.com"),
        ev.queue(at, HOST, queue_id, "removed", 4)])
    assert statuses(collecting) == {
        (queue_id, "a@example.com"): "delivered",
        (queue_id, "b@example.com"): "delivered"}
