# SPDX-License-Identifier: BSD-2-Clause
"""What the log of the collector says while something is wrong around it, that
nothing becomes a dead letter, and that nobody has to do anything when it is
right again."""

import os
import re
import time

import pytest

from tests.lib import events as ev
from tests.lib.collecting import Collecting, assert_stored
from tests.lib.disk import SmallDisk
from tests.lib.mariadb import MariaDB
from tests.lib.process import wait_for
from tests.lib.redis import Redis

OVER = "the database takes events again after s="
KEEPING = "; keeping the events in Redis until the database takes them"


def said(daemon):
    """Its warnings and errors, and what it said of their end."""
    return [line for line in daemon.text().splitlines()
            if line[:3] in ("<3>", "<4>") or " again after " in line]


def wait_said(daemon, n, timeout=30):
    wait_for(lambda: len(said(daemon)) >= n, timeout,
             f"{n} lines in {said(daemon)}")
    return said(daemon)


def write_secret(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


def test_a_schema_one_migration_behind_is_waited_for(collecting):
    """The columns of the last migration go while it runs, and come back."""
    c = collecting
    events = ev.Run(600).events
    daemon = c.start()
    c.add(events[:300])
    c.wait_stored()
    c.query("ALTER TABLE ev_offer DROP COLUMN quoted, DROP COLUMN hook, "
            "DROP COLUMN extra")
    c.query("DELETE FROM schema_migration WHERE number = 3")
    c.add(events[300:])
    assert wait_said(daemon, 1) == [
        "<3>schema: migration 0003-hook-notice-quotes is not applied; run "
        "`mailtrail schema migrate`" + KEEPING]
    assert daemon.running()
    assert c.left() > 0
    c.mailtrail("schema", "migrate")
    c.wait_stored()
    assert_stored(c, events)
    assert c.dead() == []
    lines = wait_said(daemon, 2)
    assert len(lines) == 2 and OVER in lines[1]


def test_another_password_of_mariadb_is_taken_from_its_file(fragile):
    c = fragile
    grants = ["SELECT, INSERT, UPDATE, CREATE, ALTER, DROP ON fragile.*"]
    password = c.mariadb.account("collector", "one", grants)
    daemon = c.start(db_user="collector", db_password_file=password)
    events = ev.Run(300).events
    c.mariadb.query("ALTER USER collector@localhost IDENTIFIED BY 'two'")
    for row in c.mariadb.query("SELECT id FROM information_schema.processlist"
                               " WHERE user = 'collector'"):
        c.mariadb.query(f"KILL {row[0]}")
    c.add(events)
    wait_for(lambda: "<3>" in daemon.text(), 20, "the complaint")
    assert re.search(r"<3>.*mariadb: Access denied for user "
                     r"'collector'@'localhost' \(using password: YES\) "
                     r"\(1045\)" + KEEPING, daemon.text())
    write_secret(password, "two")
    c.wait_stored()
    assert_stored(c, events)
    wait_for(lambda: OVER in daemon.text(), 20, "the end")
    assert daemon.text().count(KEEPING) <= 2 and c.dead() == []


@pytest.fixture
def guarded(collecting, own_lab):
    """A collector whose Redis wants a password, and that Redis."""
    server = Redis(own_lab, user="mailtrail", password="one").start()
    secret = write_secret(os.path.join(collecting.directory, "redis.secret"),
                          "one")
    daemon = collecting.start(redis=f"unix:{server.socket}",
                              redis_user="mailtrail",
                              redis_password_file=secret)
    return collecting, server, daemon, secret


def stored(server, stream):
    with server.connect() as c:
        wait_for(lambda: c.xlen(stream) == 0, 30, "the stream to be stored")


def test_another_password_of_redis_is_taken_from_its_file(guarded):
    c, server, daemon, secret = guarded
    events = ev.Run(300).events
    server.change_password("two")
    ev.add(server, c.stream, events)
    wait_for(lambda: "<3>" in daemon.text(), 20, "the complaint")
    assert re.search(rf"<3>redis unix:{server.socket}: WRONGPASS [^;]*; "
                     "events wait there and in the spools until it is well",
                     daemon.text())
    write_secret(secret, "two")
    stored(server, c.stream)
    assert_stored(c, events)
    wait_for(lambda: "well again after" in daemon.text(), 20, "the end")
    # The other way round: the file is first, and wrong until Redis follows.
    write_secret(secret, "three")
    server.throw_out()
    wait_for(lambda: daemon.text().count("WRONGPASS") == 2, 20, "the second")
    server.change_password("three")
    wait_for(lambda: daemon.text().count("well again after") == 2, 20,
             "the end")
    assert len(said(daemon)) <= 6, daemon.text()


@pytest.mark.parametrize("fault", ["killed", "stopped", "emptied"])
def test_a_redis_that_is_away(collecting, own_lab, fault):
    c = collecting
    server = Redis(own_lab).start()
    daemon = c.start(redis=f"unix:{server.socket}", redis_timeout_ms=1000)
    events = ev.Run(200).events
    ev.add(server, c.stream, events[:100])
    stored(server, c.stream)
    if fault == "stopped":
        server.process.pause()
    else:
        server.kill()
    line = wait_said(daemon, 1)[0]
    assert line.startswith(f"<4>redis unix:{server.socket}: ")
    assert line.endswith("; events wait there and in the spools until it is "
                         "well")
    if fault == "stopped":
        server.process.resume()
    else:
        if fault == "emptied":
            server.forget()
        server.start()
    ev.add(server, c.stream, events[100:])
    stored(server, c.stream)
    assert_stored(c, events)
    lines = wait_said(daemon, 2)
    assert f"redis unix:{server.socket}: well again after s=" in lines[-1]
    assert len(lines) == 2


def test_a_mariadb_that_is_stopped(fragile):
    c = fragile
    daemon = c.start(db_timeout_ms=1000)
    events = ev.Run(400).events
    c.add(events[:200])
    c.wait_stored()
    c.mariadb.process.pause()
    c.add(events[200:])
    line = wait_said(daemon, 1)[0]
    assert line.startswith("<4>") and line.endswith(KEEPING)
    c.mariadb.process.resume()
    c.wait_stored()
    assert_stored(c, events)
    lines = wait_said(daemon, 2)
    assert len(lines) == 2 and OVER in lines[1]
    assert c.dead() == []


def test_rows_that_somebody_else_has_locked(fragile):
    """Each attempt fails; the log has two lines."""
    c = fragile
    c.mariadb.query("SET GLOBAL innodb_lock_wait_timeout = 1")
    daemon = c.start()
    events = ev.Run(200).events
    c.add(events[:100])
    c.wait_stored()
    with c.mariadb.connect("fragile", autocommit=False) as other, \
            other.cursor() as cursor:
        cursor.execute("SELECT * FROM counter FOR UPDATE")
        c.add(events[100:])
        line = wait_said(daemon, 1)[0]
        assert line.startswith("<4>") and line.endswith(KEEPING)
        assert "Lock wait timeout exceeded" in line
        time.sleep(3)  # more attempts are no more lines
        assert len(said(daemon)) == 1
        other.rollback()
    c.wait_stored()
    assert_stored(c, events)
    assert OVER in wait_said(daemon, 2)[1] and c.dead() == []


def test_a_mariadb_that_is_read_only(fragile):
    c = fragile
    password = c.mariadb.account("collector", "c", [
        "SELECT, INSERT, UPDATE, CREATE, ALTER, DROP ON fragile.*"])
    daemon = c.start(db_user="collector", db_password_file=password)
    c.mariadb.query("SET GLOBAL read_only = 1")
    events = ev.Run(300).events
    c.add(events)
    line = wait_said(daemon, 1)[0]
    assert line.startswith("<4>") and line.endswith(KEEPING)
    assert "--read-only option" in line
    c.mariadb.query("SET GLOBAL read_only = 0")
    c.wait_stored()
    assert_stored(c, events)
    lines = wait_said(daemon, 2)
    assert len(lines) == 2 and OVER in lines[1] and c.dead() == []


@pytest.fixture
def small_disk(own_lab, needs_root):
    disk = SmallDisk(own_lab, "small", "400m", "755")
    return disk


def test_a_full_disk_of_mariadb_is_waited_for(
        build, own_lab, redis, stream, small_disk):
    server = MariaDB(own_lab, name="small/mariadb", settings=(
        "innodb_log_file_size = 8M",)).start()
    server.query("CREATE DATABASE fragile")
    c = Collecting(build, own_lab, redis, server, "fragile", stream).migrate()
    events = ev.Run(6000).events
    daemon = c.start(batch=500)
    c.add(events[:100])
    c.wait_stored()
    small_disk.fill()
    c.add(events[100:])
    try:
        line = wait_said(daemon, 1, 60)[0]
        assert line.startswith("<4>") and line.endswith(KEEPING), line
    finally:
        small_disk.free()
    c.wait_stored(120)
    assert_stored(c, events)
    wait_for(lambda: OVER in daemon.text(), 20, "the end")
    assert c.dead() == [] and daemon.running()
    assert daemon.text().count(KEEPING) <= 2
    c.stop()
    server.stop()
