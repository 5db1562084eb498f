# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` while a program of ours is killed or stopped, and what is
left to do when it goes on: nothing."""

import json
import re
import time

import pytest

from tests.lib.mailtrail import Mailtrail
from tests.lib.process import Lab, run, wait_for

SHORT = ("milter", "ship", "collector", "pixel")


@pytest.fixture(scope="module")
def host(build, redis, mariadb):
    """All of ours; each test leaves it as well as it was."""
    with Lab() as lab:
        ours = Mailtrail(lab, build, redis, mariadb, "",
                         database="doctor_programs",
                         stream="mailtrail:doctor_programs", more=["feed"])
        yield ours.prepare().start()


def failing(host, *steps):
    """(found, remedy) of what the doctor finds failing, and how long it
    took; Postfix and the pixel's address are not there."""
    begun = time.monotonic()
    said = json.loads(host.command("doctor", "--json", ok=(0, 1)).stdout)
    took = time.monotonic() - begun
    return [(c["found"], c["remedy"]) for c in said["checks"]
            if c["state"] == "FAIL" and c["step"] in steps], took


@pytest.mark.parametrize("short", ["milter", "pixel", "feed"])
def test_a_program_that_is_stopped_is_told_from_one_that_is_not_there(
        host, short):
    daemon, name = host.daemons[short], f"mailtrail-{short}"
    before = daemon.text()
    assert failing(host, "socket")[0] == []
    daemon.pause()
    (found, remedy), = failing(host, "socket")[0]
    assert found == (f"{name} does not answer at unix:"
                     f"{host.sockets}/{short}.sock: process {daemon.pid} "
                     "is stopped")
    assert remedy.startswith(f"let it go on: kill -CONT {daemon.pid}")
    daemon.resume()
    assert failing(host, "socket")[0] == []
    assert daemon.text() == before, "the question is nothing to write about"
    daemon.kill()
    (found, remedy), = failing(host, "socket")[0]
    assert found == (f"{name} is not running: unix:"
                     f"{host.sockets}/{short}.sock: Connection refused")
    assert remedy.startswith(f"start it: systemctl start {name}")
    daemon.start_notify()
    assert failing(host, "socket")[0] == []


def put_events(host):
    """What the shipper would carry on, were it at work."""
    run([host.build + "/tests/tools/spool_put", "-n", "20", "-k", "message",
         "-s", "1", host.spool])


def wait_drained(host):
    wait_for(lambda: all(
        e["unsent"] == e["unacked"] == 0 for e in json.loads(host.command(
            "spool", "status", "--json").stdout)["endpoints"]), 30,
        "the spool to drain")


def test_a_shipper_that_is_stopped_or_not_there(host):
    ship = host.daemons["ship"]
    put_events(host)
    assert failing(host, "spool", "redis")[0] == [], "it is at work"
    wait_drained(host)
    ship.pause()
    put_events(host)
    (found, remedy), = failing(host, "spool", "redis")[0]
    assert re.fullmatch(
        f"mailtrail-ship does nothing: process {ship.pid} is stopped; "
        f"[0-9.]+ [KM]iB waits in {host.spool}", found), found
    assert remedy.startswith(f"let it go on: kill -CONT {ship.pid}")
    ship.resume()
    wait_drained(host)
    ship.kill()
    put_events(host)
    (found, remedy), = failing(host, "spool", "redis")[0]
    assert re.fullmatch("mailtrail-ship is not running: [0-9.]+ [KM]iB waits "
                        f"in {host.spool}", found), found
    assert remedy.startswith("start it: systemctl start mailtrail-ship")
    ship.start_notify()
    wait_drained(host)
    assert failing(host, "spool", "redis")[0] == []


def test_a_collector_that_is_stopped_or_not_there(host):
    collector = host.daemons["collector"]
    where = f"unix:{host.redis.socket}"
    assert failing(host, "redis")[0] == []
    collector.pause()
    put_events(host)
    wait_for(lambda: failing(host, "redis")[0][0][0].startswith(
        f"mailtrail-collector does nothing: process {collector.pid} is "
        "stopped; "), 10, "the shipper to send")
    (found, remedy), = failing(host, "redis")[0]
    assert re.search(rf"; \d+ entries wait in {where}$", found)
    assert remedy.startswith(f"let it go on: kill -CONT {collector.pid}")
    collector.resume()
    wait_drained(host)
    collector.kill()
    killed = time.monotonic()
    put_events(host)
    wait_for(lambda: failing(host, "redis")[0], 15, "the doctor to see it")
    assert time.monotonic() - killed < 12
    (found, remedy), = failing(host, "redis")[0]
    assert re.fullmatch(
        "mailtrail-collector is not running: nobody has asked for events for "
        rf"\d+ s; \d+ entries wait in {where}", found), found
    assert remedy.startswith("start it: systemctl start mailtrail-collector")
    collector.start_notify()
    wait_drained(host)
    assert failing(host, "redis", "spool")[0] == []


def test_an_idle_collector_is_at_work(host):
    """However long nothing comes."""
    wait_drained(host)
    end = time.monotonic() + 12
    while time.monotonic() < end:
        assert failing(host, "redis", "spool")[0] == []
