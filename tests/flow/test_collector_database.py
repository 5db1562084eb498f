# SPDX-License-Identifier: BSD-2-Clause
"""The collector while MariaDB is killed, away, read-only, deadlocked, cut off or
has another schema."""

import os
import time

import pytest

from tests.lib import events as ev
from tests.lib.collecting import (EX_CONFIG, Collecting, assert_stored,
                                  unique)
from tests.lib.process import Process, wait_for
from tests.lib.proxy import Proxy


def test_mariadb_is_killed_and_comes_back(fragile):
    events = ev.Run(6000).events
    daemon = fragile.start(batch=500)
    for i in range(0, len(events), 2000):
        fragile.add(events[i:i + 2000])
        time.sleep(0.2)
        fragile.mariadb.kill()
        time.sleep(0.3)
        assert daemon.running()
        fragile.mariadb.start()
    fragile.wait_stored(120)
    assert_stored(fragile, events)
    assert daemon.running()
    assert daemon.text().count("keeping the events") <= 3, \
        "a line for each time, not for each attempt"


def test_a_database_that_is_away_at_start_is_waited_for(fragile):
    events = ev.Run(300).events
    fragile.mariadb.kill()
    daemon = fragile.start()
    fragile.add(events)
    time.sleep(0.5)
    assert fragile.left() == len(events)
    fragile.mariadb.start()
    fragile.wait_stored()
    assert_stored(fragile, events)
    assert daemon.running()


def offers(c):
    return set(c.query("SELECT at, host, queue_id FROM ev_offer"))


def test_a_database_that_moves_while_it_is_away(fragile, another):
    """The new configuration is read though nobody answers at the old place."""
    events = ev.Run(6000).events
    fragile.add(events)
    daemon = fragile.start("c", batch=200, writers=2)
    wait_for(lambda: offers(fragile), 30, "the first of them")
    fragile.mariadb.kill()
    wait_for(lambda: "keeping the events" in daemon.text(), 30,
             "MariaDB to be missed")
    # One that cannot be read changes nothing.
    fragile.conf("c", writers="many")
    daemon.signal(10)  # SIGUSR1
    wait_for(lambda: "writers" in daemon.text(), 10, "the complaint")
    fragile.conf("c", consumer="c", batch=200, writers=2,
                 db_socket=another.mariadb.socket, db_name=another.database)
    daemon.signal(10)
    wait_for(lambda: "configuration read again" in daemon.text(), 10,
             "the new configuration")
    fragile.wait_stored()
    fragile.mariadb.start()
    assert len(offers(fragile) | offers(another)) == unique(
        events, "offer", "at", "host", "queue_id")
    assert offers(another)
    assert "redis unix" not in daemon.text(), "Redis was well all the time"
    assert daemon.stop() == 0, daemon.tail()


def test_a_read_only_database_is_waited_for(fragile):
    """Also one that is stopped for good in the middle: SIGTERM is prompt."""
    password = fragile.mariadb.account("collector", "c", [
        "SELECT, INSERT, UPDATE, CREATE, ALTER, DROP ON fragile.*"])
    daemon = fragile.start(db_user="collector", db_password_file=password)
    fragile.mariadb.query("SET GLOBAL read_only = 1")
    events = ev.Run(300).events
    fragile.add(events)
    time.sleep(0.5)
    assert fragile.left() == len(events)
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 1.5
    # the same consumer reads again what it was given and did not store
    fragile.start(db_user="collector", db_password_file=password)
    fragile.mariadb.query("SET GLOBAL read_only = 0")
    fragile.wait_stored()
    assert_stored(fragile, events)


def test_deadlocks_and_lock_waits_are_tried_again(fragile):
    """Somebody holds a message's row for a while."""
    events = ev.Run(200).events
    fragile.mariadb.query("SET GLOBAL innodb_lock_wait_timeout = 1")
    fragile.start("early")
    fragile.add(events[:100])
    fragile.wait_stored()
    with fragile.mariadb.connect("fragile", autocommit=False) as c, \
            c.cursor() as cursor:
        cursor.execute("SELECT * FROM counter FOR UPDATE")
        fragile.add(events[100:])
        time.sleep(2.5)
        assert fragile.left() == len(events) - 100
        c.rollback()
    fragile.wait_stored()
    assert_stored(fragile, events)


@pytest.mark.parametrize("fault", ["cut", "stall", "garble"])
def test_a_faulty_way_to_mariadb(fragile, own_lab, fault):
    proxy = Proxy(own_lab, fragile.mariadb.socket, f"db-{fault}")
    events = ev.Run(3000).events
    fragile.start(db_socket=proxy.socket, db_timeout_ms=1000, batch=300)
    fragile.add(events[:1500])
    if fault == "cut":
        for n in (10, 1000, 20000, 50000):
            proxy.cut_after(n)
            time.sleep(0.2)
    elif fault == "stall":
        proxy.stall()
        time.sleep(1.5)
    else:
        proxy.garble()
        time.sleep(0.3)
        proxy.cut()
    proxy.heal()
    fragile.add(events[1500:])
    fragile.wait_stored(90)
    assert_stored(fragile, events)


def refused(c, **options):
    daemon = c.process("refused", **options).start()
    assert daemon.wait(20) == EX_CONFIG, daemon.tail()
    return daemon.text()


def test_a_schema_that_differs_is_refused_by_name(collecting):
    collecting.query("ALTER TABLE ev_open MODIFY asn VARCHAR(10)")
    text = refused(collecting)
    assert "schema: table ev_open, column asn: of another type; a migration " \
        "must say ALTER TABLE `ev_open` MODIFY COLUMN `asn` INT UNSIGNED " \
        "NULL" in text
    collecting.query("ALTER TABLE ev_open DROP COLUMN asn")
    assert "schema: table ev_open, column asn: missing; a migration must " \
        "say ALTER TABLE `ev_open` ADD COLUMN `asn`" in refused(collecting)
    collecting.query("ALTER TABLE ev_open ADD COLUMN asn INT UNSIGNED NULL, "
                     "ADD COLUMN more INT")
    assert "schema: table ev_open, column more: not a column we know" in \
        refused(collecting)
    collecting.query("ALTER TABLE ev_open DROP COLUMN more")
    collecting.query("ALTER TABLE consent DROP PRIMARY KEY")
    assert "schema: table consent: its primary key is (), not (rcpt)" in \
        refused(collecting)


def test_a_schema_from_the_future_or_the_past_is_refused(collecting):
    collecting.query("INSERT INTO schema_migration VALUES (4711, "
                     "'4711-tomorrow', '', NOW(6), NOW(6))")
    what = "schema: migration 4711-tomorrow is not known here: the database " \
        "was migrated by a newer Mailtrail"
    assert what in refused(collecting)
    assert what in collecting.mailtrail("schema", "migrate",
                                        ok=(EX_CONFIG,)).stderr
    collecting.query("DELETE FROM schema_migration WHERE number = 4711")
    collecting.query("UPDATE schema_migration SET checksum = 'x' "
                     "WHERE number = 1")
    assert "schema: migration 0001-tables is not the text that was applied" \
        in refused(collecting)
    collecting.query("DELETE FROM schema_migration")
    assert "schema: migration 0001-tables is not applied; run `mailtrail " \
        "schema migrate`" in refused(collecting)


def test_migrating_at_once_and_after_an_interruption(
        build, lab, redis, mariadb, database, stream):
    c = Collecting(build, lab, redis, mariadb, database, stream)
    c.migrate()
    # as if interrupted: begun, not done, half of its tables there
    c.query("UPDATE schema_migration SET done_at = NULL WHERE number = 1")
    c.query("DELETE FROM schema_migration WHERE number > 1")
    c.query("DROP TABLE consent, counter")
    racers = [Process(f"migrate{i}", [
        build / "ctl" / "mailtrail", "-c",
        os.path.join(c.directory, "mailtrail.conf"), "schema", "migrate"],
        c.directory).start() for i in range(3)]
    assert [p.wait(60) for p in racers] == [0, 0, 0]
    c.mailtrail("schema", "check")
    assert "pending" not in c.mailtrail("schema", "status").stdout
