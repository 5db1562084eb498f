# SPDX-License-Identifier: BSD-2-Clause
"""Rows of many days, made by MariaDB itself.

Every day has the same: 97 senders of one domain, 149 recipients, one
recipient a message. So whatever is asked for has a full page of answers from
10,000 messages on, and only how much stands beside it differs.
"""

import datetime

DAYS = 30

# Columns that must be given, besides the key; s.seq is the row's number
# within its day, @day the day's midnight.
MOMENT = "@day + INTERVAL s.seq * @step MICROSECOND"
ID = ("CONCAT('4d', LPAD(CONV(TO_DAYS(@day) * 10000000 + s.seq, 10, 36), "
      "10, '0'), 'zGd4')")
MESSAGE_ID = "CONCAT(s.seq, '.', DATE(@day), '@mail.example.org')"
TOKEN = "MD5(CONCAT(@day, s.seq))"
ROWS_OF = {
    "ev_offer": f"""(at, host, queue_id, sender, nrcpt, user, message_id,
        subject, size, mode, level, reason) SELECT {MOMENT},
        'mx.example.org', {ID}, CONCAT('writer', s.seq % 97,
        '@example.org'), 1, 'writer@example.org', {MESSAGE_ID},
        CONCAT('About number ', s.seq), 12345,
        'identified', 'domain', 'done'""",
    "ev_rcpt": f"""(at, host, queue_id, rcpt) SELECT {MOMENT},
        'mx.example.org', {ID}, CONCAT('reader', s.seq % 149,
        '@example.com')""",
    "ev_mark": f"""(at, host, queue_id, token, mode) SELECT {MOMENT},
        'mx.example.org', {ID}, {TOKEN}, 'identified'""",
    "message": f"""(born, host, queue_id, sender, sender_key, sender_domain,
        nrcpt, size, message_id, subject, mode, reason, offers, recipients,
        marks, offered_at) SELECT {MOMENT}, 'mx.example.org', {ID},
        CONCAT('writer', s.seq % 97, '@example.org'), CONCAT('writer',
        s.seq % 97, '@example.org'), 'example.org', 1, 12345, {MESSAGE_ID},
        CONCAT('About number ', s.seq), 'identified',
        'done', 1, 1, 1, {MOMENT}""",
    "recipient": f"""(born, host, queue_id, rcpt, rcpt_key, rcpt_domain,
        offered_at) SELECT {MOMENT}, 'mx.example.org', {ID}, CONCAT('reader',
        s.seq % 149, '@example.com'), CONCAT('reader', s.seq % 149,
        '@example.com'), 'example.com', {MOMENT}""",
    "token": f"""(born, host, queue_id, token, mode, marked_at) SELECT
        {MOMENT}, 'mx.example.org', {ID}, {TOKEN}, 'identified',
        {MOMENT}""",
}


def queue_id(day, seq):
    """What ID makes of a row's number within its day."""
    n, digits = (day.toordinal() + 365) * 10000000 + seq, ""
    while n:
        n, digit = divmod(n, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return f"4d{digits.rjust(10, '0')}zGd4"


def days_of(mariadb, database, today):
    """Partitions of the last 30 days in every table that is cut by day.

    The first partition there is takes all that is older; it is split.
    """
    first = mariadb.query(
        "SELECT table_name, partition_name, partition_description FROM "
        "information_schema.partitions WHERE table_schema = %s AND "
        "partition_ordinal_position = 1 AND table_name != 'counter'",
        (database,))
    for table, name, bound in first:
        parts = ["PARTITION p%s VALUES LESS THAN ('%s')" % (
            (today - datetime.timedelta(i)).strftime("%Y%m%d"),
            today - datetime.timedelta(i - 1)) for i in range(DAYS, 0, -1)]
        mariadb.query(f"ALTER TABLE {table} REORGANIZE PARTITION {name} INTO "
                      f"({', '.join(parts)}, PARTITION {name} VALUES LESS "
                      f"THAN ({bound}))", database=database)


def fill(mariadb, database, today, tables, per_day):
    """So many rows a day in each of these tables; how many in all."""
    with mariadb.connect(database) as c, c.cursor() as cursor:
        cursor.execute(f"SET @step = 86000000000 DIV {per_day}")
        for i in range(DAYS, 0, -1):
            cursor.execute("SET @day = CAST(%s AS DATETIME(6))",
                           (today - datetime.timedelta(i),))
            for table in tables:
                cursor.execute(f"INSERT INTO {table} {ROWS_OF[table]} "
                               f"FROM seq_1_to_{per_day} s")
    return per_day * DAYS * len(tables)
