# SPDX-License-Identifier: BSD-2-Clause
"""lib/mail's markup of one message, beside copying the message twice."""

import statistics

from bench.measure import Goal, Result
from bench.messages import message

NAME = "markup"
ABOUT = "markup of 100 kB, growth up to 50 MB, and memory"
LONG = False

MB = 1000 * 1000
# Above the limit for HTML a message can only be large by its attachments.
MOST_HTML = 15 * MB


def timed(bench, name, data, pairs):
    """(ours, theirs) in µs a message."""
    path = bench.file(f"{name}.eml", data)
    lines = bench.program("bench_markup", "time", path, pairs).splitlines()
    both = [[float(x) / 1000 for x in line.split()] for line in lines]
    return [b[0] for b in both], [b[1] for b in both]


def sized(size, encoding):
    most = int(MOST_HTML * (1.3 if encoding == "base64" else 1.0))
    return message(size, encoding, attachment=max(0, size - most))


def measure(bench):
    for encoding in ("quoted-printable", "base64", "8bit"):
        ours, theirs = timed(bench, encoding, message(100000, encoding),
                             bench.pairs)
        yield Result(
            f"markup, {encoding}",
            f"marking a 100 kB message, HTML in {encoding}",
            "memcpy of the message twice", "µs", ours, theirs,
            Goal("<=", 20))
    data = message(100000, attachment=90000)
    ours, theirs = timed(bench, "attached", data, bench.pairs)
    yield Result("markup, attachment",
                 "marking a 100 kB message, most of it an attachment",
                 "memcpy of the message twice", "µs", ours, theirs,
                 Goal("<=", 20))
    yield from growth(bench)


def growth(bench):
    sizes = (1, 2, 5, 10, 20, 50) if not bench.quick else (1, 10)
    for encoding in ("quoted-printable", "base64"):
        per_byte, notes, peaks = {}, [], []
        for size in sizes:
            data = sized(size * MB, encoding)
            ours, _ = timed(bench, f"{encoding}-{size}", data,
                            max(3, bench.pairs // 3))
            per_byte[size] = [1000 * o / len(data) for o in ours]
            peak, n = map(int, bench.program(
                "bench_markup", "memory",
                bench.file(f"{encoding}-{size}.eml", data)).split())
            peaks.append(peak / n)
            notes.append(f"{size} MB "
                         f"{statistics.median(per_byte[size]):.2f} ns")
        yield Result(
            f"markup grows, {encoding}",
            f"time a byte at {sizes[-1]} MB",
            f"the same at {sizes[0]} MB", "ns", per_byte[sizes[-1]],
            per_byte[sizes[0]], Goal("<=", 1.5),
            ["a byte takes, at " + ", ".join(notes)])
        yield Result(
            f"markup memory, {encoding}",
            f"most memory at {sizes[0]} to {sizes[-1]} MB, in messages",
            "", "x", [max(peaks)], None, Goal("<=", 2.2),
            ["by size: " + ", ".join(f"{p:.2f}" for p in peaks)])
