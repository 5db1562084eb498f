# SPDX-License-Identifier: BSD-2-Clause
"""docs/sql.md says what the views are: column by column, and each question
in it is asked by a reader."""

import datetime
import os
import random
import re

import pytest

from bench import history
from bench.rows import view
from tests.lib.collecting import Collecting
from tests.lib import events as ev

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def document():
    with open(os.path.join(ROOT, "docs", "sql.md"), encoding="utf-8") as f:
        return f.read()


def sections(level):
    """(title, text) of each heading of that level."""
    parts = re.split(rf"^{'#' * level} (.*)$", document(), flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


VIEWS = {title: re.findall(r"^\| (\w+) \| (\w+) \|", text, re.M)[1:]
         for title, text in sections(2) if title.startswith("v_")}
QUESTIONS = [(title, re.search(r"```sql\n(.*?)```", text, re.S)[1])
             for title, text in sections(3)]
TYPES = {"time": ("datetime",), "text": ("varchar", "text", "mediumtext"), "word": ("varchar",),
         "number": ("int", "bigint", "decimal", "tinyint"),
         "address": ("varchar",)}


@pytest.fixture(scope="module")
def reader(build, lab, redis, mariadb):
    """A database with some mail in it, and a user who may only read."""
    name = "sql_doc"
    mariadb.query(f"CREATE DATABASE {name}")
    c = Collecting(build, lab, redis, mariadb, name, "test:sql_doc")
    c.migrate()
    for script in ("database.sql", "grants.sql"):
        with open(os.path.join(ROOT, "schema", script),
                  encoding="utf-8") as f:
            mariadb.script(f.read().replace("`mailtrail`", f"`{name}`"))
    mariadb.account("sql_doc", "r", role="mailtrail_reader")
    at = ev.now_us() - 1_000_000
    token = "0123456789abcdef" * 2
    host, queue_id = "mx.example.org", "4dG2kQ2mzCzGd4"
    mail = [ev.offer(at, host, queue_id, message_id="20261120.1@example.org",
                     user="carol@example.org", subject="Hello"),
            ev.rcpt(at, host, queue_id, "bob@example.com"),
            ev.mark(at, host, queue_id, token),
            ev.opened(at + 10, token, agent="browser", country="DE"),
            ev.offer(at + 1, host, "AAAAA", reason="signed", mode="off"),
            ev.queue(at - 9, host, queue_id, "client"),
            ev.deliver(at + 9, host, queue_id, "bob@example.com", "bounced",
                       relay_name="mx.example.com"),
            ev.reject(at, host, code=554, stage="rcpt", dsn="5.7.1")]
    c.add(mail)
    c.start()
    c.wait_stored()
    c.stop()
    with mariadb.connect(name, "sql_doc") as connection:
        yield connection
    mariadb.query(f"DROP DATABASE {name}")


def test_every_view_is_described_and_nothing_else(reader):
    with reader.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.views "
                       "WHERE table_schema = DATABASE()")
        assert {row[0] for row in cursor.fetchall()} == set(VIEWS)
    assert len(QUESTIONS) >= 10


@pytest.mark.parametrize("view", VIEWS)
def test_columns_are_described_as_they_are(reader, view):
    with reader.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = %s "
            "ORDER BY ordinal_position", (view,))
        found = cursor.fetchall()
    assert [name for name, _ in found] == [name for name, _ in VIEWS[view]]
    for (name, data_type), (_, said) in zip(found, VIEWS[view]):
        assert data_type in TYPES[said], f"{view}.{name}"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q[0])
def test_every_question_has_an_answer(reader, question):
    with reader.cursor() as cursor:
        cursor.execute(question[1])
        assert cursor.fetchall(), "no rows"


def test_a_page_is_read_from_the_end_of_an_index(build, lab, redis, mariadb):
    name, today = "sql_pages", datetime.date.today()
    mariadb.query(f"CREATE DATABASE {name}")
    Collecting(build, lab, redis, mariadb, name, "test:sql_pages").migrate()
    history.days_of(mariadb, name, today)
    history.fill(mariadb, name, today, view.TABLES, 200)
    for table in view.TABLES:
        mariadb.query(f"ANALYZE TABLE {table}", database=name)
    dice = random.Random(1)
    for question in ("newest page", "a domain's", "a sender's", "a reader's"):
        plan = mariadb.query("EXPLAIN " + view.statement(
            question, today, dice), database=name)
        assert "filesort" not in str(plan), question
