# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail schema` and `mailtrail prune`."""

import datetime
import os
import re
import stat

import pytest

from tests.lib.ctl import EX_CONFIG, EX_TEMPFAIL
from tests.lib.mariadb import statements


@pytest.fixture
def empty(ctl, mariadb, database):
    ctl.set(db_socket=mariadb.socket, db_name=database, db_user="root")
    return ctl


def partitions(mariadb, database, table):
    return [row[0] for row in mariadb.query(
        "SELECT partition_name FROM information_schema.partitions "
        "WHERE table_schema = %s AND table_name = %s "
        "ORDER BY partition_ordinal_position", (database, table))]


def day(ahead):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return today + datetime.timedelta(days=ahead)


def test_migrate_makes_everything_and_may_be_repeated(empty):
    before = empty.json("schema", "status")
    assert {m["state"] for m in before} == {"pending"}
    out, err = empty("schema", "migrate")
    assert err == ""
    lines = out.splitlines()
    assert lines[-1] == "the schema is now up to date"
    assert [line.split(":")[0] for line in lines[:-1]] == \
        [f"{m['number']:04} {m['name']}" for m in before]
    assert empty("schema", "check") == (
        "the schema is what this version writes\n", "")
    assert empty("schema", "migrate")[0] == \
        "the schema was up to date already\n"
    after = empty.json("schema", "status")
    assert {m["state"] for m in after} == {"done"}
    assert all(m["at"] for m in after)
    table = empty("schema", "status")[0].splitlines()
    assert table[0].split() == ["number", "migration", "state", "at"]
    assert len(table) == len(after) + 1


def test_a_database_of_the_first_schema_is_brought_up_to_date(
        empty, mariadb, database, migrated, root):
    for name in ("0001-tables", "0002-views"):
        for sql in statements((root / "schema" / f"{name}.sql").read_text()):
            mariadb.query(sql, database=database)
    mariadb.query("CREATE TABLE schema_migration LIKE "
                  f"{migrated}.schema_migration", database=database)
    mariadb.query("INSERT INTO schema_migration SELECT * FROM "
                  f"{migrated}.schema_migration WHERE number <= 2",
                  database=database)
    mariadb.query(
        "INSERT INTO policy_rule VALUES ('global', '*', 'set', 'anonymous', "
        "'Seen', NULL, NOW(6), 'me')", database=database)
    done = empty.raw("schema", "check")
    assert done.returncode == EX_CONFIG and b"0003-hook" in done.stderr
    assert empty("schema", "migrate")[0].splitlines() == [
        "0003 0003-hook-notice-quotes: done",
        "0004 0004-page-keys: done",
        "0005 0005-trail-events: done",
        "0006 0006-strays: done",
        "0007 0007-said-once: done",
        "the schema is now up to date"]
    empty("schema", "check")
    assert mariadb.query("SELECT notice, notice_plain, quoted FROM v_policy",
                         database=database) == (("Seen", None, None),)
    # Of the same views as a new database has.
    views = "SELECT table_name, column_name FROM " \
        "information_schema.columns WHERE table_schema = %s AND table_name " \
        "LIKE 'v\\_%%' ORDER BY table_name, ordinal_position"
    assert mariadb.query(views, (database,)) == \
        mariadb.query(views, (migrated,)) != ()


def test_check_names_what_differs(new_db_ctl, mariadb, database):
    mariadb.query("ALTER TABLE ev_open DROP COLUMN asn", database=database)
    [line] = new_db_ctl.raw("schema", "check").stderr.decode().splitlines()
    assert line.startswith("mailtrail schema check: ")
    assert "ev_open" in line and "asn" in line
    assert new_db_ctl.raw("schema", "check").returncode == EX_CONFIG


def test_check_before_migrate(empty):
    done = empty.raw("schema", "check")
    assert (done.returncode, done.stdout) == (EX_CONFIG, b"")


def test_a_schema_from_the_future_is_refused(new_db_ctl, mariadb, database):
    columns = [row[0] for row in mariadb.query(
        "SHOW COLUMNS FROM schema_migration", database=database)]
    values = {"number": "9999", "name": "'9999-future'"}
    mariadb.query(
        "INSERT INTO schema_migration SELECT " + ", ".join(
            values.get(c, c) for c in columns) +
        " FROM schema_migration ORDER BY number LIMIT 1", database=database)
    for verb in ("migrate", "check"):
        done = new_db_ctl.raw("schema", verb)
        assert done.returncode == EX_CONFIG
        assert b"9999-future" in done.stderr and done.stdout == b""
    states = {m["name"]: m["state"]
              for m in new_db_ctl.json("schema", "status")}
    assert states["9999-future"] == "unknown"


def test_mariadb_away_or_refusing(ctl, mariadb, database):
    for args in (["schema", "migrate"], ["schema", "status"],
                 ["schema", "check"], ["prune"]):
        done = ctl.raw(*args)
        assert (done.returncode, done.stdout) == (EX_TEMPFAIL, b"")
        assert done.stderr.decode().startswith(
            f"mailtrail {' '.join(args)}: {ctl.options['db_socket']}: ")
    ctl.set(db_socket=mariadb.socket, db_name="no_such_db", db_user="root")
    done = ctl.raw("schema", "check")
    assert done.returncode == EX_CONFIG and b"no_such_db" in done.stderr
    password = mariadb.account("guest", "guest-password")
    ctl.set(db_name=database, db_user="guest", db_password_file=password)
    done = ctl.raw("schema", "migrate")
    assert done.returncode == EX_CONFIG and b"denied" in done.stderr
    os.chmod(password, 0o604)
    done = ctl.raw("schema", "migrate")
    assert done.returncode == EX_CONFIG
    assert done.stderr.decode().startswith(
        f"mailtrail schema migrate: db_password_file: {password}: ")


def add_days(mariadb, database, days):
    """Partitions of past days, each with a row."""
    first = partitions(mariadb, database, "ev_offer")[0]
    bound = mariadb.query(
        "SELECT partition_description FROM information_schema.partitions "
        "WHERE table_schema = %s AND table_name = 'ev_offer' "
        "AND partition_name = %s", (database, first))[0][0]
    cuts = "".join(
        f"PARTITION {d:p%Y%m%d} VALUES LESS THAN "
        f"('{d + datetime.timedelta(days=1)} 00:00:00'), " for d in days)
    mariadb.query(f"ALTER TABLE ev_offer REORGANIZE PARTITION {first} INTO "
                  f"({cuts}PARTITION {first} VALUES LESS THAN ({bound}))",
                  database=database)
    for d in days:
        mariadb.query(
            "INSERT INTO ev_offer (at, host, queue_id, sender, nrcpt, size, "
            "mode, level, reason) VALUES (%s, 'h', 'q', '', 1, 1, 'off', "
            "'none', 'off')", (f"{d} 12:00:00",), database=database)


def test_prune_drops_the_days_that_are_over(new_db_ctl, mariadb, database):
    days = [day(-n) for n in (200, 92, 80)]
    add_days(mariadb, database, days)
    names = [f"{d:p%Y%m%d}" for d in days]
    said = [{"table": "ev_offer", "partition": n} for n in names[:2]]
    dry = new_db_ctl.json("prune", "--dry-run")
    assert [d for d in dry if d["table"] == "ev_offer"] == said
    assert set(names) <= set(partitions(mariadb, database, "ev_offer"))
    out = new_db_ctl("prune", "-n")[0]
    assert f"ev_offer {names[0]} would be dropped\n" in out
    out = new_db_ctl("prune")[0]
    for name in names[:2]:
        assert f"ev_offer {name} dropped\n" in out
    left = partitions(mariadb, database, "ev_offer")
    assert names[2] in left and not set(names[:2]) & set(left)
    assert f"{day(1):p%Y%m%d}" in left and left[-1] == "p_max"
    assert mariadb.query("SELECT COUNT(*) FROM ev_offer",
                         database=database) == ((1,),)
    assert new_db_ctl("prune")[0] == "nothing is older than asked for\n"
    assert new_db_ctl("prune", "-o", "keep_days=0")[0] == \
        "nothing is older than asked for\n"


def test_prune_destroys_a_key_of_another_day(new_db_ctl):
    key = new_db_ctl.options["day_key"]
    with open(key, "w") as f:
        f.write("2020-01-01 " + "A" * 43 + "=\n")
    os.chmod(key, 0o600)
    new_db_ctl("prune", "--dry-run")
    assert "A" * 43 in open(key).read()
    new_db_ctl("prune")
    assert not os.path.exists(key) or \
        not re.search("A{43}", open(key).read())
    with open(key, "w") as f:
        f.write("2020-01-01 " + "A" * 43 + "=\n")
    os.chmod(key, 0o644)
    done = new_db_ctl.raw("prune")
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o644
    assert done.returncode == EX_CONFIG and key in done.stderr.decode()
    # The tables were pruned all the same.
    assert done.stdout == b"nothing is older than asked for\n"
