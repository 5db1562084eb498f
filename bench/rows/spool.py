# SPDX-License-Identifier: BSD-2-Clause
"""lib/spool's append, beside write(2)."""

from bench.measure import Goal, Result

NAME = "spool"
ABOUT = "appending events to the spool"
LONG = False


def measure(bench):
    for what, sync, appends, goal, title in (
            ("one", "interval", 20000, Goal("<=", 2),
             "appending a pixel's event"),
            ("batch", "interval", 20000, Goal("<=", 2),
             "appending a marked message's four events"),
            ("ready", "interval", 20000, Goal("<=", 2),
             "the same, encoded before: sealing and writing alone"),
            ("batch", "always", 200, Goal("<=", 2),
             "appending the four, on the disk before it returns")):
        if bench.quick:
            appends //= 4
        directory = bench.directory(f"spool-{what}-{sync}")
        lines = bench.program("bench_spool", directory, what, sync,
                              bench.pairs, appends).splitlines()
        both = [[float(x) / 1000 for x in line.split()] for line in lines]
        against = "a bare write(2) of the same bytes"
        if sync == "always":
            against += " and fdatasync(2)"
        yield Result(f"spool, {what}, {sync}", title, against, "µs",
                     [b[0] for b in both], [b[1] for b in both], goal)
