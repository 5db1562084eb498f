# SPDX-License-Identifier: BSD-2-Clause
"""What the log of mailtrail-ship says while Redis is in trouble, that every
event arrives when it is over, and that nobody has to do anything for it."""

import os

import pytest

from tests.lib.disk import SmallDisk
from tests.lib.process import wait_for
from tests.lib.redis import Redis
from tests.lib.shipping import Ship, Store


def config(server, *args):
    with server.connect() as c:
        c.execute_command(*args)


def kill(server):
    server.kill()


def start(server):
    server.start()


def forget(server):
    server.forget()
    server.start()


def stop(server):
    server.process.pause()


def go_on(server):
    server.process.resume()


def setting(*args):
    return lambda server: config(server, *args)


# name: how it begins, how it ends, words of Redis's in the line
FAULTS = {
    "killed": (kill, start, "Connection refused|closed the connection|"
               "No such file"),
    "stopped": (stop, go_on, "no answer in time"),
    "emptied": (kill, forget, "Connection refused|closed the connection|"
                "No such file"),
    "out of memory": (setting("CONFIG", "SET", "maxmemory", "1mb"),
                      setting("CONFIG", "SET", "maxmemory", "0"),
                      "OOM command not allowed"),
    "read-only": (setting("REPLICAOF", "127.0.0.1", "1"),
                  setting("REPLICAOF", "NO", "ONE"),
                  "READONLY You can't write"),
    "without replicas": (
        setting("CONFIG", "SET", "min-replicas-to-write", "3"),
        setting("CONFIG", "SET", "min-replicas-to-write", "0"),
        "NOREPLICAS Not enough"),
}


@pytest.fixture
def server(own_lab):
    return Redis(own_lab).start()


@pytest.fixture
def ship(own_lab, build, server):
    ship = Ship(own_lab, build, f"unix:{server.socket}",
                redis_timeout_ms=1000)
    yield ship
    assert ship.process.stop() == 0


def said(ship):
    """What it wrote of troubles and their end; of a Redis begun anew, too."""
    return [line for line in ship.log().splitlines()
            if line[:3] in ("<3>", "<4>") or "well again" in line]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_redis_in_trouble(ship, server, fault):
    begin, end, words = FAULTS[fault]
    store = Store()
    ship.start()
    n = ship.put(100, kind="trail")
    store.wait(n, server)
    begin(server)
    n += ship.put(100, kind="trail")
    ship.wait_log(rf"<4>redis unix:{server.socket}: ({words})[^\n]*; "
                  r"keeping bytes=\d+ attempts=1\n")
    # More events and more attempts are no more lines.
    n += ship.put(100, kind="trail")
    assert len(said(ship)) == 1, said(ship)
    end(server)
    store.wait(n, server)
    ship.wait_log("<6>redis .*: well again after attempts=")
    lines = [line for line in said(ship) if "not the one it was" not in line]
    assert len(lines) == 2, said(ship)
    assert ("not the one it was" in ship.log()) == (fault == "emptied")


def test_an_append_only_file_that_cannot_be_written(
        build, own_lab, needs_root):
    disk = SmallDisk(own_lab, "small", "60m", "755")
    server = Redis(own_lab, name="small/redis").start()
    ship = Ship(own_lab, build, f"unix:{server.socket}").start()
    store = Store()
    n = ship.put(100, kind="trail")
    store.wait(n, server)
    disk.fill()
    n += ship.put(300, kind="trail")
    wait_for(lambda: ship.put(1, kind="trail") and "MISCONF" in ship.log(),
             15, "Redis to refuse")
    disk.free()
    ship.wait_log("well again after")
    wait_for(lambda: store.take(server) == 0 and not any(
        int(line.rpartition("=")[2]) for line in ship.log().splitlines()
        if line.startswith("<6>shipped unsent")), 10, "all to be taken")
    assert len(store.keys) >= n
    assert len(said(ship)) == 2, said(ship)
    assert ship.process.stop() == 0
    server.stop()


def test_another_password_is_taken_from_its_file(own_lab, build):
    """In either order; the shipper is told nothing."""
    server = Redis(own_lab, name="guarded", user="mailtrail",
                   password="one").start()
    ship = Ship(own_lab, build, f"unix:{server.socket}",
                redis_user="mailtrail",
                redis_password_file=server.password_file).start()
    store = Store()
    n = ship.put(100, kind="trail")
    store.wait(n, server)

    def write(password):
        with open(server.password_file, "w", encoding="ascii") as f:
            f.write(password + "\n")

    for i, (first, second) in enumerate((
            (lambda: server.change_password("two"), lambda: write("two")),
            (lambda: write("three") or server.throw_out(),
             lambda: server.change_password("three")))):
        first()
        n += ship.put(100, kind="trail")
        wait_for(lambda i=i: ship.log().count("WRONGPASS") == i + 1, 10,
                 "the complaint")
        second()
        store.wait(n, server)
        wait_for(lambda i=i: ship.log().count("well again") == i + 1, 20,
                 "the end")
    assert all("WRONGPASS" in line or "well again" in line or
               "closed the connection" in line for line in said(ship))
    assert len(said(ship)) <= 6, said(ship)
    assert os.path.exists(ship.spool)
    assert ship.process.stop() == 0
