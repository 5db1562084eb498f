# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail prune` of one day, out of ten million rows in 30 days."""

import datetime
import time

from bench.measure import Goal, Result
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.process import Failed
from tests.lib.redis import Redis

NAME = "retention"
ABOUT = "dropping a day out of 10 M rows"
LONG = True

DAYS = 30
ROWS = 10000000
DATABASE = "mailtrail"

# Columns that must be given, besides the key; s.seq is the row's number
# within its day, @day the day's midnight.
MOMENT = "@day + INTERVAL s.seq * @step MICROSECOND"
ID = "CONCAT('4dG2', LPAD(CONV(s.seq, 10, 36), 8, '0'), 'zGd4')"
TOKEN = "MD5(CONCAT(@day, s.seq))"
ROWS_OF = {
    "ev_offer": f"""(at, host, queue_id, sender, nrcpt, user, message_id,
        subject, size, mode, level, reason) SELECT {MOMENT},
        'mx.example.org', {ID}, CONCAT('writer', s.seq % 997,
        '@example.org'), 1, 'writer@example.org', CONCAT(s.seq,
        '@mail.example.org'), CONCAT('About number ', s.seq), 12345,
        'identified', 'domain', 'done'""",
    "ev_rcpt": f"""(at, host, queue_id, rcpt) SELECT {MOMENT},
        'mx.example.org', {ID}, CONCAT('reader', s.seq % 4999,
        '@example.com')""",
    "ev_mark": f"""(at, host, queue_id, token, mode) SELECT {MOMENT},
        'mx.example.org', {ID}, {TOKEN}, 'identified'""",
    "message": f"""(born, host, queue_id, sender, sender_key, sender_domain,
        nrcpt, size, message_id, subject, mode, reason, offers, recipients,
        marks, offered_at) SELECT {MOMENT}, 'mx.example.org', {ID},
        CONCAT('writer', s.seq % 997, '@example.org'), CONCAT('writer',
        s.seq % 997, '@example.org'), 'example.org', 1, 12345, CONCAT(s.seq,
        '@mail.example.org'), CONCAT('About number ', s.seq), 'identified',
        'done', 1, 1, 1, {MOMENT}""",
    "recipient": f"""(born, host, queue_id, rcpt, rcpt_key, rcpt_domain,
        offered_at) SELECT {MOMENT}, 'mx.example.org', {ID}, CONCAT('reader',
        s.seq % 4999, '@example.com'), CONCAT('reader', s.seq % 4999,
        '@example.com'), 'example.com', {MOMENT}""",
    "token": f"""(born, host, queue_id, token, mode, marked_at) SELECT
        {MOMENT}, 'mx.example.org', {ID}, {TOKEN}, 'identified',
        {MOMENT}""",
}


def days_of(mariadb, today):
    """Partitions of the last 30 days in every table that is cut by day.

    The first partition there is takes all that is older; it is split.
    """
    first = mariadb.query(
        "SELECT table_name, partition_name, partition_description FROM "
        "information_schema.partitions WHERE table_schema = %s AND "
        "partition_ordinal_position = 1 AND table_name != 'counter'",
        (DATABASE,))
    for table, name, bound in first:
        parts = ["PARTITION p%s VALUES LESS THAN ('%s')" % (
            (today - datetime.timedelta(i)).strftime("%Y%m%d"),
            today - datetime.timedelta(i - 1)) for i in range(DAYS, 0, -1)]
        mariadb.query(f"ALTER TABLE {table} REORGANIZE PARTITION {name} INTO "
                      f"({', '.join(parts)}, PARTITION {name} VALUES LESS "
                      f"THAN ({bound}))", database=DATABASE)


def fill(mariadb, today):
    per_day = ROWS // DAYS // len(ROWS_OF)
    with mariadb.connect(DATABASE) as c, c.cursor() as cursor:
        cursor.execute(f"SET @step = 86000000000 DIV {per_day}")
        for i in range(DAYS, 0, -1):
            cursor.execute("SET @day = CAST(%s AS DATETIME(6))",
                           (today - datetime.timedelta(i),))
            for table, rows in ROWS_OF.items():
                cursor.execute(f"INSERT INTO {table} {rows} "
                               f"FROM seq_1_to_{per_day} s")
    return per_day * DAYS * len(ROWS_OF)


def measure(bench):
    mariadb = MariaDB(bench.lab, buffer_pool="256M", settings=(
        "innodb_log_file_size = 256M",)).start()
    ours = Mailtrail(bench.lab, bench.build, Redis(bench.lab).start(),
                     mariadb, "https://pixel.example.org",
                     database=DATABASE).prepare()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    days_of(mariadb, today)
    bench.say("making rows")
    rows = fill(mariadb, today)
    ours.command("prune", "-o", f"keep_days={DAYS}")  # partitions ahead
    seconds = []
    for keep in range(DAYS - 1, DAYS - 1 - min(bench.pairs, DAYS - 2), -1):
        start = time.monotonic()
        said = ours.command("prune", "-o", f"keep_days={keep}").stdout
        seconds.append(time.monotonic() - start)
        for table in ROWS_OF:
            if said.count(f"{table} p") != 1:
                raise Failed(f"prune did not drop one day of {table}:\n"
                             f"{said}")
    yield Result("retention", f"`mailtrail prune` of one day out of "
                 f"{rows / 1e6:.0f} M rows in {DAYS} days", "", "s", seconds,
                 None, Goal("<=", 1.0))
