# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with MariaDB, its disk, its schema and its locks."""

import contextlib
import random
import re
import threading

import pymysql

from tests.lib.process import Process, wait_for

from .fault import fault

KEEPING = [("collector", "keeping the events in Redis")]


@fault("mariadb killed in a transaction", log=KEEPING,
       doctor=[("mariadb", "Can't connect")],
       on=("mariadb", "collector", "redis", "ship", "spool", "milter"))
def killed_in_transaction(scene, r):
    """kill -9 of MariaDB when a transaction of the collector is half done."""
    db = scene.mariadb.connect(scene.ours.database, autocommit=False)
    with db.cursor() as cursor:
        # Locked last by the collector: its events are in, but not committed.
        cursor.execute("SELECT * FROM counter FOR UPDATE")
        wait_for(lambda: waiting(scene), 20,
                 "the collector to wait for a lock")
        scene.mariadb.kill()
    with contextlib.suppress(pymysql.err.Error):
        db.close()
    try:
        yield True
    finally:
        scene.start_server("mariadb")


def waiting(scene):
    return scene.mariadb.query(
        "SELECT 1 FROM information_schema.innodb_trx "
        "WHERE trx_state = 'LOCK WAIT'")


@fault("mariadb read-only", log=KEEPING,
       doctor=[("mariadb", "read-only")])
def read_only(scene, r):
    """An operator, or a failover, has made MariaDB read-only."""
    scene.mariadb.query("SET GLOBAL read_only = 1")
    try:
        yield True
    finally:
        scene.mariadb.query("SET GLOBAL read_only = 0")


@fault("mariadb disk full", hold=(2.0, 5.0), log=KEEPING,
       doctor=[("mariadb", "disk is full|Can't connect|Lost connection")])
def disk_full(scene, r):
    """MariaDB's disk has no room left."""
    scene.database.fill()
    try:
        yield True
    finally:
        scene.database.free()
        scene.keep_servers()


@fault("mariadb schema behind", hold=(1.0, 4.0), log=KEEPING,
       doctor=[("schema", "migration .* is not applied")])
def schema_behind(scene, r):
    """The newest columns are not there (any more); later they are made."""
    number, columns = newest_columns(scene)
    with scene.window("schema"):  # what stood in them is gone
        for table, column in columns:
            # A copy, since a column dropped at once still counts in each row.
            scene.mariadb.query(
                f"ALTER TABLE `{table}` DROP COLUMN `{column}`, "
                "ALGORITHM = COPY", database=scene.ours.database)
        scene.mariadb.query("DELETE FROM schema_migration WHERE number >= %s",
                            (number,), scene.ours.database)
        try:
            yield True
        finally:
            scene.ours.command("schema", "migrate")  # the upgrade itself


def newest_columns(scene):
    """The last migration that adds columns, and the (table, column) it adds."""
    for name in reversed(scene.ours.migrations()):
        columns = [
            (table, column) for table, body in re.findall(
                r"ALTER TABLE `(\w+)`(.*?);\n", scene.ours.sql(name), re.S)
            for column in re.findall(r"ADD COLUMN IF NOT EXISTS `(\w+)`",
                                     body)]
        if columns:
            return int(name[:4]), columns
    raise AssertionError("no migration adds a column")


@fault("mariadb deadlocks", hold=(2.0, 5.0),
       on=("mariadb", "collector", "redis"))
def deadlocks(scene, r):
    """A second collector, and somebody who locks rows in any order."""
    ours = scene.daemon("collector")
    second = Process("second-collector", [
        *ours.argv, "-o", "consumer=second"], ours.directory,
        run_as=ours.run_as)
    ending = threading.Event()
    rival = threading.Thread(target=lock_rows, daemon=True, args=(
        scene, ending, random.Random(r.random())))
    second.start_notify()
    rival.start()
    try:
        yield False
    finally:
        ending.set()
        rival.join()
        if r.random() < 0.5:
            second.kill()
        else:
            second.stop()


def lock_rows(scene, ending, r):
    """Transactions that take the collector's locks from the other end."""
    with scene.mariadb.connect(scene.ours.database, autocommit=False) as db, \
            db.cursor() as cursor:
        while not ending.wait(r.uniform(0, 0.1)):
            with contextlib.suppress(pymysql.err.OperationalError):
                for table in r.sample(("counter", "message", "recipient",
                                       "open_day", "ev_offer"), 3):
                    cursor.execute(f"SELECT COUNT(*) FROM (SELECT * FROM "
                                   f"{table} LIMIT 200 FOR UPDATE) t")
                ending.wait(r.uniform(0, 0.2))
            db.rollback()
