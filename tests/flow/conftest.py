# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the flow tests."""

import os

import pytest

from tests.lib.collecting import Collecting
from tests.lib.ctl import Ctl
from tests.lib.mariadb import MariaDB

WRITTEN = ("message", "recipient", "token", "message_open", "ev_offer",
           "ev_open", "policy_rule", "consent")


@pytest.fixture
def ctl(build, tmp_path):
    """The command with no server around it."""
    return Ctl(build, tmp_path)


@pytest.fixture
def new_db_ctl(ctl, mariadb, database):
    """The command with a new database whose schema is up to date."""
    ctl.set(db_socket=mariadb.socket, db_name=database, db_user="root")
    ctl("schema", "migrate")
    return ctl


@pytest.fixture(scope="session")
def migrated(build, mariadb, tmp_path_factory):
    """A database with the schema, for tests that leave it as it is."""
    name = "test_ctl"
    mariadb.query(f"CREATE DATABASE {name}")
    Ctl(build, tmp_path_factory.mktemp("migrated"), db_name=name,
        db_socket=mariadb.socket, db_user="root")("schema", "migrate")
    yield name
    mariadb.query(f"DROP DATABASE {name}")


@pytest.fixture
def db_ctl(ctl, mariadb, migrated):
    """The command with a database whose tables are empty."""
    ctl.set(db_socket=mariadb.socket, db_name=migrated, db_user="root")
    for table in WRITTEN:
        mariadb.query(f"DELETE FROM {table}", database=migrated)
    return ctl


@pytest.fixture
def collecting(build, lab, redis, mariadb, database, stream):
    c = Collecting(build, lab, redis, mariadb, database, stream).migrate()
    yield c
    c.stop()


@pytest.fixture
def another(build, lab, redis, mariadb, request):
    """A second database, to compare with."""
    name = f"other_{os.getpid()}_{abs(hash(request.node.name)) % 10 ** 6}"
    mariadb.query(f"CREATE OR REPLACE DATABASE {name}")
    c = Collecting(build, lab, redis, mariadb, name, f"test:{name}").migrate()
    yield c
    c.stop()
    mariadb.query(f"DROP DATABASE {name}")


@pytest.fixture
def doctor(db_ctl, redis, stream, tmp_path):
    """As well as a host without the daemons and Postfix can be."""
    db_ctl.set(redis=f"unix:{redis.socket}", redis_stream=stream)
    os.mkdir(db_ctl.options["spool_dir"])
    os.chmod(db_ctl.options["spool_dir"], 0o2770)
    db_ctl("key", "new")
    db_ctl("track", "set", "global", "anonymous")
    # A Postfix that answers: one without files takes a second to say so.
    os.mkdir(tmp_path / "postfix")
    for name in ("main.cf", "master.cf"):
        (tmp_path / "postfix" / name).touch()
    return db_ctl

@pytest.fixture
def own_mariadb(own_lab):
    """One that may be killed; with mailcow's small buffer pool."""
    return MariaDB(own_lab, buffer_pool="24M").start()


@pytest.fixture
def fragile(build, own_lab, redis, own_mariadb, stream):
    """Collecting into a database that the test may break."""
    own_mariadb.query("CREATE DATABASE fragile")
    c = Collecting(build, own_lab, redis, own_mariadb, "fragile",
                   stream).migrate()
    yield c
    c.stop()
