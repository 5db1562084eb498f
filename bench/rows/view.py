# SPDX-License-Identifier: BSD-2-Clause
"""The views beside themselves: few messages, and a hundred times as many.

Two databases in one MariaDB, both with the same days (bench/history.py). A
sample is the mean of each of the questions, asked for other senders, readers
and messages every time; both databases are asked for the same ones. What a
page costs is a walk down one index a day and the page itself, so of the
number of messages only the depth of the indexes is left: 10 M have one more
level than 1 M at most, and 1 M one or two more than 10 k.
"""

import datetime
import random
import time

from bench.history import DAYS, days_of, fill, queue_id
from bench.measure import Goal, Result, pairs
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.process import Failed
from tests.lib.redis import Redis

NAME = "view"
ABOUT = "a page of the views, of 10 k messages and of 1 M"
LONG = True

FEW, MANY = "few", "many"
PAGE = 50
FEWEST = 10000
TIMES = 20
TABLES = ("ev_offer", "message", "recipient", "token")

# What is asked, and how many rows must come of it.
QUESTIONS = {
    "newest page": ("v_message", "ORDER BY born DESC, host DESC, queue_id "
                    "DESC LIMIT 50", PAGE),
    "a domain's": ("v_message", "WHERE sender_domain = 'example.org' ORDER BY "
                   "born DESC, host DESC, queue_id DESC LIMIT 50", PAGE),
    "a sender's": ("v_message", "WHERE sender_key = 'writer{sender}@"
                   "example.org' ORDER BY born DESC, host DESC, queue_id DESC "
                   "LIMIT 50", PAGE),
    "a reader's": ("v_recipient", "WHERE rcpt_key = 'reader{reader}@"
                   "example.com' ORDER BY born DESC, host DESC, queue_id DESC "
                   "LIMIT 50", PAGE),
    "a Message-ID": ("v_message", "WHERE message_id = '{message}.{day}@"
                     "mail.example.org'", 1),
    "a trail": ("v_trail", "WHERE queue_id = '{queue_id}' ORDER BY at", 3),
}


def statement(question, today, dice):
    """The question about somebody and something chosen by chance."""
    view, what, _ = QUESTIONS[question]
    day = today - datetime.timedelta(1 + dice.randrange(DAYS))
    message = 1 + dice.randrange(FEWEST // DAYS)
    return f"SELECT * FROM {view} " + what.format(
        sender=dice.randrange(97), reader=dice.randrange(149), day=day,
        message=message, queue_id=queue_id(day, message))


class Rig:

    def __init__(self, bench):
        self.many = 30000 if bench.quick else 1000000
        self.today = datetime.datetime.now(datetime.timezone.utc).date()
        # All in memory, as the last days are where people look at pages: a
        # disk's ratio would be measured else.
        self.mariadb = MariaDB(bench.lab, buffer_pool="2G", settings=(
            "innodb_log_file_size = 256M",)).start()
        redis = Redis(bench.lab).start()
        for name, messages in ((FEW, FEWEST), (MANY, self.many)):
            Mailtrail(bench.lab, bench.build, redis, self.mariadb,
                      "https://pixel.example.org", database=name,
                      name=name).prepare()
            days_of(self.mariadb, name, self.today)
            bench.say(f"making {messages} messages")
            fill(self.mariadb, name, self.today, TABLES, messages // DAYS)
            # As an installation that has run for a while.
            for table in TABLES:
                self.mariadb.query(f"ANALYZE TABLE {table}", database=name)
        self.asked = {FEW: 0, MANY: 0}

    def ask(self, database, question):
        """Mean milliseconds of the question."""
        expected = QUESTIONS[question][2]
        taken = 0.0
        with self.mariadb.connect(database) as c, c.cursor() as cursor:
            for _ in range(TIMES):
                self.asked[database] += 1
                sql = statement(question, self.today,
                                random.Random(self.asked[database]))
                start = time.monotonic()
                found = cursor.execute(sql)
                cursor.fetchall()
                taken += time.monotonic() - start
                if found != expected:
                    raise Failed(f"{found} rows instead of {expected}: {sql}")
        return 1000 * taken / TIMES


def measure(bench):
    rig = Rig(bench)
    few, many = "10 k", f"{rig.many // 1000:,} k"
    for question, (view, _, _) in QUESTIONS.items():
        yield Result(f"view, {question}", f"{view}: {question}, of {many} "
                     f"messages in {DAYS} days", f"the same of {few}", "ms",
                     *pairs(bench.pairs, lambda q=question: rig.ask(MANY, q),
                            lambda q=question: rig.ask(FEW, q)),
                     Goal("<=", 1.5))
