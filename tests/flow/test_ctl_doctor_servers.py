# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` while Redis or MariaDB is stopped, full, read-only or
cannot write."""

import pytest

from tests.lib.disk import SmallDisk
from tests.lib.doctor import checks, only
from tests.lib.mariadb import MariaDB
from tests.lib.process import wait_for
from tests.lib.redis import Redis


def failing(ctl, step):
    return [c[1:] for c in checks(ctl, step) if c[0] == "FAIL"]


@pytest.fixture
def server(doctor, own_lab):
    """A Redis with a stream and a collector that has just asked."""
    server = Redis(own_lab).start()
    doctor.set(redis=f"unix:{server.socket}", redis_stream="s",
               redis_timeout_ms=1000)
    with server.connect() as c:
        c.xgroup_create("s", "mailtrail", mkstream=True)
        c.xgroup_createconsumer("s", "mailtrail", "one")
    assert failing(doctor, "redis") == []
    return server


@pytest.mark.parametrize("command, words, remedy", [
    (("CONFIG", "SET", "maxmemory", "1mb"), "OOM command not allowed",
     "raise maxmemory"),
    (("REPLICAOF", "127.0.0.1", "1"), "READONLY You can't write against a "
     "read only replica", "name the master"),
    (("CONFIG", "SET", "min-replicas-to-write", "3"), "NOREPLICAS Not enough "
     "good replicas to write", "see its log"),
])
def test_a_redis_that_takes_no_events(doctor, server, command, words, remedy):
    with server.connect() as c:
        c.execute_command(*command)
    said = failing(doctor, "redis")
    assert said[0][0].startswith("it takes no events: redis unix:"
                                 f"{server.socket}: {words}"), said
    assert remedy in said[0][1]
    assert "events wait in the spools" in said[0][1]
    with server.connect() as c:
        assert c.keys("*:doctor") == [], "nothing is left of the question"


def test_a_redis_that_takes_events_gets_none(doctor, server):
    with server.connect() as c:
        before = c.keys("*")
        assert failing(doctor, "redis") == []
        assert c.keys("*") == before


def test_a_redis_that_is_stopped(doctor, server):
    server.process.pause()
    (found, remedy), = failing(doctor, "redis")
    assert found == f"redis unix:{server.socket}: no answer in time"
    assert remedy.startswith("start Redis, or restart it when it does not "
                             "answer")


@pytest.fixture
def small_disk(own_lab, needs_root):
    disk = SmallDisk(own_lab, "small", "400m", "755")
    return disk


def test_a_redis_that_cannot_write_its_file(doctor, own_lab, small_disk):
    server = Redis(own_lab, name="small/redis").start()
    doctor.set(redis=f"unix:{server.socket}", redis_stream="s")
    with server.connect() as c:
        c.config_set("appendfsync", "everysec")
        c.xgroup_create("s", "mailtrail", mkstream=True)
        small_disk.fill()
        c.xadd("s", {"a": "b" * 10000})
        wait_for(lambda: c.info("persistence")["aof_last_write_status"]
                 == "err", 10, "Redis to notice")
        found = [f for f, _ in failing(doctor, "redis")]
        assert found[0] == (f"unix:{server.socket} could not write its "
                            "append-only file")
        assert found[1].startswith(
            f"it takes no events: redis unix:{server.socket}: MISCONF ")
        small_disk.free()
        wait_for(lambda: c.info("persistence")["aof_last_write_status"]
                 == "ok", 10, "Redis to recover")
        assert not any("it takes no" in f for f, _ in
                       failing(doctor, "redis"))
    server.stop()


def test_a_mariadb_that_is_read_only(doctor, mariadb):
    mariadb.query("SET GLOBAL read_only = 1")
    try:
        (found, remedy), = failing(doctor, "mariadb")
        assert found == "it is read-only"
        assert "events wait in Redis" in remedy
    finally:
        mariadb.query("SET GLOBAL read_only = 0")
    assert failing(doctor, "mariadb") == []


def test_a_mariadb_that_is_stopped(doctor, own_lab):
    server = MariaDB(own_lab).start()
    doctor.set(db_socket=server.socket, db_name="mysql", db_timeout_ms=1000)
    server.process.pause()
    (found, remedy), = failing(doctor, "mariadb")
    assert server.socket in found
    assert remedy.startswith("start MariaDB, or restart it when it does not "
                             "answer")
    server.process.resume()


def test_a_mariadb_whose_disk_is_full(doctor, own_lab, small_disk):
    server = MariaDB(own_lab, name="small/mariadb", settings=(
        "innodb_log_file_size = 8M",)).start()
    doctor.set(db_socket=server.socket, db_name="mysql")
    assert not any("disk" in f for f, _ in failing(doctor, "mariadb"))
    small_disk.fill()
    found = [f for f, _ in failing(doctor, "mariadb") if "disk" in f]
    assert found == [f"its disk is full: 0 bytes left in {server.data}/"]
    server.kill()


def test_a_schema_one_migration_behind(new_db_ctl, mariadb, database):
    mariadb.query("DELETE FROM schema_migration WHERE number = 3",
                  database=database)
    found, remedy = only(new_db_ctl, "schema", "FAIL")
    assert found == ("schema: migration 0003-hook-notice-quotes is not "
                     "applied; run `mailtrail schema migrate`")
    assert remedy.startswith("mailtrail schema migrate")
    new_db_ctl("schema", "migrate")
    assert [c[0] for c in checks(new_db_ctl, "schema")] == ["ok"]
