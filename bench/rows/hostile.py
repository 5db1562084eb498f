# SPDX-License-Identifier: BSD-2-Clause
"""Messages made to be dear: what four times as much of each costs."""

import os

from bench.measure import Goal, Result
from tests.lib.hostile import FAMILIES, write

NAME = "hostile"
ABOUT = "growth of time and memory over messages meant to do harm"
LONG = False

# HTML of the first goes to the top already. Both fit in a cache near the
# processor, so that only the work grows; where work grew faster, the time a
# byte takes at the third would show it.
SMALL, LARGE, HUGE = 200 * 1000, 800 * 1000, 15 * 1000 * 1000
UNMEASURABLE = 1000  # ns: what ends early takes as long at any size


def time_of(bench, path):
    """CPU ns of one markup."""
    return max(int(bench.program("bench_markup", "any", path)), UNMEASURABLE)


def measure(bench):
    directory = bench.directory("hostile")
    for family, shapes in FAMILIES.items():
        growth, dear, memory = {}, {}, {}
        for name in shapes:
            small, large = (time_of(bench, write(directory, name, size))
                            for size in (SMALL, LARGE))
            growth[name] = (large / small, large, small)
            if bench.quick:
                continue
            path = write(directory, name, HUGE)
            peak, n = map(int, bench.program("bench_markup", "peak",
                                             path).split())
            dear[name], memory[name] = time_of(bench, path) / n, peak / n
            os.unlink(path)
        yield from results(family, growth, dear, memory)


def worst(values, unit, n=3):
    order = sorted(values, key=values.get, reverse=True)
    return ", ".join(f"{name} {values[name]:.2f}{unit}" for name in order[:n])


def results(family, growth, dear, memory):
    ratios = {name: g[0] for name, g in growth.items()}
    most = max(ratios, key=ratios.get)
    yield Result(
        f"hostile {family}, growth",
        f"markup of 800 kB of the worst of {len(growth)} shapes",
        "of 200 kB of it", "µs", [growth[most][1] / 1000],
        [growth[most][2] / 1000], Goal("<=", 5), [worst(ratios, " x")])
    if not dear:
        return
    yield Result(
        f"hostile {family}, cost",
        "time a byte at 15 MB, of the worst shape", "", "ns",
        [max(dear.values())], None, Goal("<=", 20), [worst(dear, " ns")])
    yield Result(
        f"hostile {family}, memory",
        "most memory at 15 MB, in messages, of the worst shape", "", "x",
        [max(memory.values())], None, Goal("<=", 2.2),
        [worst(memory, " x")])
