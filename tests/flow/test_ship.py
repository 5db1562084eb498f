# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-ship between a real spool and a real Redis.

A Store stands for the collectors: it reads the stream as their group, keeps
each event by its natural key, and only then acknowledges and trims. Whatever
is killed or thrown away in between, in the end it must have every event that
was put into the spool.
"""

import itertools
import os
import random
import re
import shutil
import signal
import struct
import time
import zlib

import pytest

from tests.lib.checked import assert_cost
from tests.lib.process import run, wait_for
from tests.lib.redis import Redis
from tests.lib.shipping import GROUP, STREAM, Ship, Store, done

_numbers = itertools.count(1)


@pytest.fixture
def server(lab):
    server = Redis(lab, f"redis-ship{next(_numbers)}").start()
    yield server
    server.stop()


@pytest.fixture
def ship(lab, build, server):
    ship = Ship(lab, build, f"unix:{server.socket}")
    yield ship
    ship.process.stop()


def test_every_event_arrives_and_segments_go(ship, server):
    store = Store()
    ship.start()
    n = ship.put(3000)
    store.wait(n, server)
    assert store.seen == n
    wait_for(lambda: len(ship.segments()) == 1, 10, "segments to go")
    n += ship.put(10, kind="trail")
    store.wait(n, server)
    assert store.seen == n


def test_what_was_in_the_spool_before_is_shipped(ship, server):
    n = ship.put(100, kind="trail")
    ship.start()
    Store().wait(n, server)


def test_an_event_arrives_at_once(ship, server):
    ship.start()
    ship.put(1, kind="open")
    store = Store()
    store.wait(1, server)
    with server.connect() as c:
        ship.process.signal(signal.SIGCONT)
        for _ in range(5):
            before = time.monotonic()
            ship.put(1, kind="open")
            wait_for(lambda: c.xlen(STREAM) > 1, 2, "the event", 0.001)
            assert_cost(time.monotonic() - before, 0.3)
            c.xtrim(STREAM, maxlen=1, approximate=False)


def test_segments_stay_until_acknowledged(ship, server):
    store = Store()
    ship.start()
    n = ship.put(2000)
    with server.connect() as c:
        wait_for(lambda: c.xlen(STREAM) == n, 10, "all entries")
    before = ship.segments()
    assert len(before) > 5
    while store.take(server, acknowledge=False):
        pass
    time.sleep(2.2)
    assert ship.segments() == before
    with server.connect() as c:
        pending = c.xpending_range(STREAM, GROUP, "-", "+", n)
        ids = [p["message_id"] for p in pending]
        # All but one in the middle: what is before it may go.
        c.xack(STREAM, GROUP, *ids[:n // 2], *ids[n // 2 + 1:])
        wait_for(lambda: len(ship.segments()) < len(before), 5, "some to go")
        time.sleep(1.2)
        assert len(ship.segments()) >= len(before) // 2
        c.xack(STREAM, GROUP, ids[n // 2])
    wait_for(lambda: len(ship.segments()) == 1, 5, "the others to go")


def test_a_restart_goes_on_where_it_was(ship, server):
    store = Store()
    ship.start()
    n = ship.put(1000)
    store.wait(n, server)
    time.sleep(1.5)
    ship.restart(kill=False)
    n += ship.put(1000)
    store.wait(n, server)
    assert store.seen == n


def test_killed_shipper_loses_nothing(ship, server):
    store = Store()
    ship.start()
    producer = ship.producer(6000, "-r", "3000")
    for _ in range(5):
        time.sleep(0.3)
        store.take(server)
        ship.restart()
    store.wait(done(producer), server)


def test_killed_redis_loses_nothing(ship, server):
    store = Store()
    ship.start()
    producer = ship.producer(6000, "-r", "3000")
    for _ in range(3):
        time.sleep(0.4)
        store.take(server)
        server.kill()
        time.sleep(0.2)
        server.start()
    store.wait(done(producer), server)
    ship.wait_log("well again after attempts=")


def test_a_restart_of_redis_does_not_double_the_backlog(ship, server):
    store = Store()
    ship.start()
    n = ship.put(3000)
    with server.connect() as c:
        wait_for(lambda: c.xlen(STREAM) == n, 10, "all entries")
    time.sleep(2.2)  # the marker is set once a second
    server.kill()
    server.start()
    n += ship.put(10)
    ship.wait_log("was started anew and has our marker")
    store.wait(n, server)
    assert store.seen == n


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_an_empty_new_redis_gets_everything_again(ship, server, seconds):
    store = Store()
    ship.start()
    n = ship.put(4000)
    store.take(server, count=3000)
    time.sleep(seconds)
    server.kill()
    server.forget()
    server.start()
    n += ship.put(100)
    store.wait(n, server)
    assert len(re.findall("not the one it was: its stream is gone",
                          ship.log())) == 1


@pytest.mark.parametrize("command, word", [
    ("FLUSHALL", "its stream .*is gone"),
    (f"DEL {STREAM}", "its stream .*is gone"),
    (f"XGROUP DESTROY {STREAM} ship:mx.example.org", ".*our marker is gone")])
def test_a_stream_taken_away_is_sent_again(ship, server, command, word):
    store = Store()
    ship.start()
    n = ship.put(2000)
    store.take(server, count=1000)
    with server.connect() as c:
        wait_for(lambda: c.xinfo_stream(STREAM)["entries-added"] == n, 10,
                 "all entries")
        c.execute_command(*command.split())
    ship.wait_log(f"not the one it was: {word}; sending again segments=")
    store.wait(n, server)
    n += ship.put(100)
    store.wait(n, server)


def test_a_lost_group_begins_at_the_first_entry(ship, server):
    store = Store()
    ship.start()
    n = ship.put(500)
    with server.connect() as c:
        wait_for(lambda: c.xlen(STREAM) == n, 10, "all entries")
        c.xgroup_destroy(STREAM, GROUP)
    store.wait(n, server)


def test_redis_set_back_to_an_older_dump(ship, server, lab):
    store = Store()
    ship.start()
    n = ship.put(1000)
    store.take(server, count=500)
    time.sleep(1.5)
    copy = lab.path(f"older{next(_numbers)}")
    server.save_copy(copy)
    n += ship.put(2000)
    with server.connect() as c:
        wait_for(lambda: c.xinfo_stream(STREAM)["entries-added"] == n, 10,
                 "all entries")
    time.sleep(1.5)
    server.kill()
    server.set_back(copy)
    server.start()
    n += ship.put(100)
    ship.wait_log("not the one it was: our marker was set back")
    store.wait(n, server)


def test_set_back_while_the_shipper_was_away(ship, server, lab):
    store = Store()
    ship.start()
    n = ship.put(1000)
    time.sleep(1.5)
    copy = lab.path(f"older{next(_numbers)}")
    server.save_copy(copy)
    n += ship.put(2000)
    time.sleep(1.5)
    ship.process.kill()
    server.kill()
    server.set_back(copy)
    server.start()
    ship.start()
    store.wait(n, server)


def test_one_of_two_endpoints_down_holds_up_nothing(lab, build, server):
    other = Redis(lab, f"redis-ship{next(_numbers)}")
    ship = Ship(lab, build, f"unix:{server.socket} unix:{other.socket}")
    ship.start()
    store = Store()
    n = ship.put(3000, "-H", "7", kind="trail")
    with server.connect() as c:
        wait_for(lambda: c.xlen(STREAM) > n * 0.4, 10, "the half of it")
    while store.take(server):
        pass
    assert 0.4 * n < len(store.keys) < 0.6 * n
    # A message's events stay together.
    assert ship.log().count("keeping bytes=") == 1
    other.start()
    store.wait(n, server, other)
    assert store.seen == n
    wait_for(lambda: len(ship.segments()) == 1, 10, "segments to go")
    other.kill()
    n += ship.put(3000, kind="trail")
    ship.restart()
    other.start()
    store.wait(n, server, other)
    ship.process.stop()
    other.stop()


def test_events_of_a_message_share_an_endpoint(lab, build, server):
    other = Redis(lab, f"redis-ship{next(_numbers)}").start()
    ship = Ship(lab, build, f"unix:{server.socket} unix:{other.socket}")
    ship.start()
    first, second = Store(), Store()
    n = ship.put(500)

    def all_there():
        first.take(server)
        second.take(other)
        return len(first.keys) + len(second.keys) == n
    wait_for(all_there, 10, "all events")
    queue_ids = [{k[3] for k in s.keys} for s in (first, second)]
    assert not queue_ids[0] & queue_ids[1]
    ship.process.stop()
    other.stop()


def test_redis_out_of_memory_is_waited_for(ship, server):
    store = Store()
    with server.connect() as c:
        c.config_set("maxmemory", "2mb")
        ship.start()
        n = ship.put(8000)
        ship.wait_log("OOM command not allowed.*; keeping bytes=")
        time.sleep(1)
        assert ship.log().count("OOM") == 1
        c.config_set("maxmemory", "0")
    store.wait(n, server)


def test_rights_that_are_missing_are_named_and_waited_for(lab, build):
    server = Redis(lab, f"redis-ship{next(_numbers)}", user="ship",
                   password="s3cret", rules="~other:* +@all").start()
    ship = Ship(lab, build, f"unix:{server.socket}", redis_user="ship",
                redis_password_file=server.password_file)
    ship.start()
    n = ship.put(10)
    ship.wait_log("<3>redis unix:.*NOPERM.*; keeping bytes=")
    with server.connect() as c:
        c.execute_command("ACL", "SETUSER", "ship", f"~{STREAM}*")
    store = Store()
    store.wait(n, server)
    ship.process.stop()
    server.stop()


def test_no_more_rights_than_documented_are_needed(lab, build):
    server = Redis(lab, f"redis-ship{next(_numbers)}", user="admin",
                   password="s3cret").start()
    ship = Ship(lab, build, f"unix:{server.socket}", redis_user="ship",
                redis_password_file=server.password_file)
    with server.connect() as c:
        c.execute_command(
            "ACL", "SETUSER", "ship", "on", ">s3cret", f"~{STREAM}*",
            "+auth", "+xadd", "+xgroup", "+xinfo", "+xpending")
    ship.start()
    n = ship.put(10)
    store = Store()
    store.wait(n, server)
    # Without the right to INFO a restart of Redis is still survived; the
    # file of rights is the one it had, without our user.
    server.kill()
    server.start()
    n += ship.put(10)
    ship.wait_log("WRONGPASS")
    with server.connect() as c:
        c.execute_command(
            "ACL", "SETUSER", "ship", "on", ">s3cret", f"~{STREAM}*",
            "+auth", "+xadd", "+xgroup", "+xinfo", "+xpending")
    store.wait(n, server)
    ship.process.stop()
    server.stop()


def test_a_wrong_password_is_read_again_when_it_was_put_right(lab, build):
    server = Redis(lab, f"redis-ship{next(_numbers)}", user="ship",
                   password="s3cret").start()
    wrong = lab.path(f"password{next(_numbers)}")
    with open(wrong, "w", encoding="ascii") as f:
        f.write("guess\n")
    os.chmod(wrong, 0o600)
    ship = Ship(lab, build, f"unix:{server.socket}", redis_user="ship",
                redis_password_file=wrong)
    ship.start()
    n = ship.put(10)
    ship.wait_log("<3>redis unix:.*WRONGPASS")
    with open(wrong, "w", encoding="ascii") as f:
        f.write("s3cret\n")
    Store().wait(n, server)
    ship.process.stop()
    server.stop()


def test_producers_and_rotation_under_load(ship, server):
    store = Store()
    ship.start()
    producers = [ship.producer(3000, "-t", "3") for _ in range(3)]
    while any(p.poll() is None for p in producers):
        store.take(server)
    store.wait(sum(done(p) for p in producers), server)
    wait_for(lambda: len(ship.segments()) == 1, 10, "segments to go")
    # The state settles within two rounds, and then says that all is done.
    time.sleep(2.2)
    ship.restart(kill=False)
    before = store.seen
    time.sleep(0.5)
    store.take(server)
    assert store.seen == before


def test_a_stop_is_prompt_whatever_redis_does(ship, server):
    ship.start()
    ship.put(100)
    server.process.signal(signal.SIGSTOP)
    ship.put(100)
    time.sleep(0.2)
    before = time.monotonic()
    assert ship.process.stop() == 0
    assert time.monotonic() - before < 1
    ship.start()
    before = time.monotonic()
    assert ship.process.stop() == 0
    assert time.monotonic() - before < 1
    server.process.signal(signal.SIGCONT)


def test_a_hanging_redis_is_left_and_found_again(ship, server):
    store = Store()
    ship.start()
    n = ship.put(100)
    store.wait(n, server)
    server.process.signal(signal.SIGSTOP)
    n += ship.put(100)
    ship.wait_log("no answer in time")
    server.process.signal(signal.SIGCONT)
    store.wait(n, server)


def _switches(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        text = f.read()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text,
                         re.M).group(1))


def _resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M).group(1))


def test_idle_it_sleeps(ship, server):
    store = Store()
    ship.start()
    n = ship.put(100)
    store.wait(n, server)
    time.sleep(3.2)
    before = _switches(ship.process.pid)
    time.sleep(2.5)
    assert _switches(ship.process.pid) - before <= 1
    assert_cost(_resident(ship.process.pid), 10240)


def test_while_redis_is_away_it_does_not_spin(ship, server):
    ship.start()
    server.kill()
    ship.put(10)
    time.sleep(1)
    before = _switches(ship.process.pid)
    time.sleep(2)
    # Every 300 ms, as retry_max_ms says, and not more than a few wakings.
    assert _switches(ship.process.pid) - before < 30
    assert ship.log().count("keeping bytes=") == 1


def _record(nonce, payload):
    length = struct.pack("<I", len(payload))
    total = zlib.crc32(payload, zlib.crc32(length, zlib.crc32(nonce)))
    return nonce[:4] + length + struct.pack("<I", total) + payload


def test_what_is_no_event_goes_to_the_dead_letters(ship, server):
    n = ship.put(5)
    path = os.path.join(ship.spool, ship.segments()[0])
    with open(path, "r+b") as f:
        nonce = f.read(28)[12:]
        f.seek(0, os.SEEK_END)
        f.write(_record(nonce, b"\x05\x00no") + b"torn by a crash")
    n += ship.put(5)
    with open(os.path.join(ship.spool, "notes.txt"), "wb") as f:
        f.write(b"not ours")
    ship.start()
    Store().wait(n, server)
    with server.connect() as c:
        (_, letter), = c.xrange(f"{STREAM}:dead")
    assert letter["dead_reason"] == "event ends within a field"
    assert letter["dead_id"] == "-"
    assert letter["dead_raw"] == "\x05\x00no"
    assert "skipping segment=" in ship.log()
    assert "bytes=15" in ship.log()


def test_a_segment_without_a_head_is_put_aside(ship, server):
    ship.put(5)
    path = os.path.join(ship.spool, ship.segments()[0])
    with open(path, "r+b") as f:
        f.write(b"\0" * 64)
    empty = os.path.join(ship.spool, "0000000000000007.seg")
    with open(empty, "wb"):
        pass
    n = ship.put(5)
    ship.start()
    Store().wait(n, server)
    assert "keeping it as .bad" in ship.log()
    assert not os.path.exists(empty)
    assert not os.path.exists(path)
    assert os.path.exists(path[:-4] + ".bad")


@pytest.mark.parametrize("text", [
    b"", b"mailtrail-ship 1\nend 00000000\n",
    random.Random(1).randbytes(300)], ids=["empty", "head", "rubbish"])
def test_a_damaged_state_costs_sending_twice(ship, server, text):
    store = Store()
    ship.start()
    n = ship.put(1000)
    store.wait(n, server)
    assert ship.process.stop() == 0
    with open(os.path.join(ship.spool, "ship.state"), "wb") as f:
        f.write(text)
    n += ship.put(10)
    ship.start()
    store.wait(n, server)
    assert "sending everything on disk again" in ship.log()


def test_new_endpoints_are_taken_by_sigusr1(lab, ship, server):
    other = Redis(lab, f"redis-ship{next(_numbers)}").start()
    store = Store()
    ship.start()
    n = ship.put(500)
    store.wait(n, server)
    ship.configure(redis="nonsense")
    ship.process.signal(signal.SIGUSR1)
    ship.wait_log("nonsense.*keeping")
    n += ship.put(500)
    store.wait(n, server)
    ship.configure(redis=f"unix:{server.socket} unix:{other.socket}")
    ship.process.signal(signal.SIGUSR1)
    ship.wait_log("configuration read again endpoints=2")
    n += ship.put(500)
    store.wait(n, server, other)
    with other.connect() as c:
        assert c.xinfo_stream(STREAM)["entries-added"] > 100
    ship.process.stop()
    other.stop()


def test_one_shipper_a_spool(ship, server):
    ship.start()
    second = run([ship.build / "shipper/mailtrail-ship", "-c", ship.conf],
                 ok=(75,))
    assert "another mailtrail-ship is at work there" in second.stderr


def test_it_ends_when_its_directory_is_removed(ship, server):
    ship.start()
    ship.put(10)
    shutil.rmtree(ship.spool)
    assert ship.process.wait(5) == 75
    assert "/spool was removed" in ship.log()


def test_without_a_directory_it_says_so(build, server, lab):
    ended = run([build / "shipper/mailtrail-ship", "-o",
                 "spool_dir=/nonexistent/spool", "-o",
                 f"redis=unix:{server.socket}"], ok=(78,))
    assert "/nonexistent/spool: No such file or directory" in ended.stderr
