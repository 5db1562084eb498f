# SPDX-License-Identifier: BSD-2-Clause
"""Messages made to be dear: what four times as much of each costs."""

import os
import statistics

from bench.measure import Goal, Result, pairs
from tests.lib.hostile import FAMILIES, write

NAME = "hostile"
ABOUT = "growth of time and memory over messages meant to do harm"
LONG = False

# HTML of the first goes to the top already. Both fit in a cache near the
# processor, so that only the work grows; where work grew faster, the time a
# byte takes at the third would show it.
SMALL, LARGE, HUGE = 200 * 1000, 800 * 1000, 15 * 1000 * 1000
UNMEASURABLE = 1000  # ns: what ends early takes as long at any size
# Each shape is measured once; of so many that seemed to grow most, which one
# does, and by how much, is measured in pairs.
SUSPECTS = 3


def time_of(bench, path):
    """CPU ns of one markup."""
    return max(int(bench.program("bench_markup", "any", path)), UNMEASURABLE)


def measure(bench):
    directory = bench.directory("hostile")
    for family, shapes in FAMILIES.items():
        files = {name: [write(directory, name, size)
                        for size in (SMALL, LARGE)] for name in shapes}
        yield growth(bench, family, files)
        if bench.quick:
            continue
        dear, memory = {}, {}
        for name in shapes:
            path = write(directory, name, HUGE)
            peak, n = map(int, bench.program("bench_markup", "peak",
                                             path).split())
            dear[name], memory[name] = time_of(bench, path) / n, peak / n
            os.unlink(path)
        yield from results(family, dear, memory)


def growth(bench, family, files):
    once = {name: time_of(bench, large) / time_of(bench, small)
            for name, (small, large) in files.items()}
    suspects = sorted(once, key=once.get, reverse=True)[:SUSPECTS]
    times = {name: pairs(bench.pairs,
                         lambda large=files[name][1]: time_of(bench, large),
                         lambda small=files[name][0]: time_of(bench, small))
             for name in suspects}
    ratios = {name: statistics.median(a / b for a, b in zip(*both))
              for name, both in times.items()}
    ours, theirs = times[max(ratios, key=ratios.get)]
    return Result(
        f"hostile {family}, growth",
        f"markup of 800 kB of the worst of {len(files)} shapes",
        "of 200 kB of it", "µs", [t / 1000 for t in ours],
        [t / 1000 for t in theirs], Goal("<=", 5), [worst(ratios, " x")])


def worst(values, unit, n=3):
    order = sorted(values, key=values.get, reverse=True)
    return ", ".join(f"{name} {values[name]:.2f}{unit}" for name in order[:n])


def results(family, dear, memory):
    yield Result(
        f"hostile {family}, cost",
        "time a byte at 15 MB, of the worst shape", "", "ns",
        [max(dear.values())], None, Goal("<=", 20), [worst(dear, " ns")])
    yield Result(
        f"hostile {family}, memory",
        "most memory at 15 MB, in messages, of the worst shape", "", "x",
        [max(memory.values())], None, Goal("<=", 2.2),
        [worst(memory, " x")])
