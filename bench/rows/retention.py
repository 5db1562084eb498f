# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail prune` of one day, out of ten million rows in 30 days."""

import datetime
import time

from bench.measure import Goal, Result
from bench.history import DAYS, ROWS_OF, days_of, fill
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.process import Failed
from tests.lib.redis import Redis

NAME = "retention"
ABOUT = "dropping a day out of 10 M rows"
LONG = True

ROWS = 10000000
DATABASE = "mailtrail"

def measure(bench):
    mariadb = MariaDB(bench.lab, buffer_pool="256M", settings=(
        "innodb_log_file_size = 256M",)).start()
    ours = Mailtrail(bench.lab, bench.build, Redis(bench.lab).start(),
                     mariadb, "https://pixel.example.org",
                     database=DATABASE).prepare()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    days_of(mariadb, DATABASE, today)
    bench.say("making rows")
    rows = fill(mariadb, DATABASE, today, ROWS_OF,
                ROWS // DAYS // len(ROWS_OF))
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
