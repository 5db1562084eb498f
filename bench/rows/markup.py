# SPDX-License-Identifier: BSD-2-Clause
"""lib/mail's markup of one message, beside copying the message twice."""

import statistics

from bench.measure import Goal, Result
from bench.messages import message

NAME = "markup"
ABOUT = "markup of 100 kB, growth up to 50 MB, and memory"
LONG = False

MB = 1000 * 1000
# Above MT_MAX_UNCLIPPED the pixel goes to the top, and less is to be read; so
# the messages of 100 kB have less HTML than that.
MOST_HTML = 90000
# What the limit for HTML (MT_MAX_HTML) allows; a larger message can only be
# large by its attachments.
GROWTH = (
    ("quoted-printable", 1.0, (1, 2, 5, 10, 15)),
    ("base64", 1.0, (1, 2, 5, 10, 15)),
    ("quoted-printable", 0.3, (1, 2, 5, 10, 20, 50)),
)


def timed(bench, name, data, pairs, mode="time"):
    """(ours, theirs) in µs a message."""
    path = bench.file(f"{name}.eml", data)
    lines = bench.program("bench_markup", mode, path, pairs).splitlines()
    both = [[float(x) / 1000 for x in line.split()] for line in lines]
    return [b[0] for b in both], [b[1] for b in both]


def measure(bench):
    for encoding in ("quoted-printable", "base64", "8bit"):
        data = message(100000, encoding, most_html=MOST_HTML)
        ours, theirs = timed(bench, encoding, data, bench.pairs)
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
    """The same composition at every size: what grows is only the size.

    Counted in copies of the message, since a byte that is in no cache any
    more costs copying, and all else, several times as much.
    """
    for encoding, share, sizes in GROWTH:
        if bench.quick:
            sizes = sizes[:3]
        copies, notes, peaks = {}, [], []
        name = encoding if share == 1 else "attachment"
        for size in sizes:
            data = message(size * MB, encoding,
                           attachment=int(size * MB * (1 - share)))
            ours, theirs = timed(bench, f"{name}-{size}", data,
                                 max(3, bench.pairs // 3), "make")
            copies[size] = [o / t for o, t in zip(ours, theirs)]
            peak, n = map(int, bench.program(
                "bench_markup", "memory",
                bench.file(f"{name}-{size}.eml", data)).split())
            peaks.append(peak / n)
            notes.append(
                f"{size} MB {statistics.median(copies[size]):.1f} copies "
                f"({1000 * statistics.median(ours) / len(data):.2f} ns a "
                "byte)")
        part = "all HTML" if share == 1 else f"{share:.0%} HTML"
        yield Result(
            f"markup grows, {name}",
            f"marking {sizes[-1]} MB, {part}, beside copying them twice",
            f"the same at {sizes[0]} MB", "x", copies[sizes[-1]],
            copies[sizes[0]], Goal("<=", 1.5),
            ["by size: " + ", ".join(notes)])
        yield Result(
            f"markup memory, {name}",
            f"most memory at {sizes[0]} to {sizes[-1]} MB, in messages",
            "", "x", [max(peaks)], None, Goal("<=", 2.2),
            ["by size: " + ", ".join(f"{p:.2f}" for p in peaks)])
