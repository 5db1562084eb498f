# SPDX-License-Identifier: BSD-2-Clause
"""The table, for a terminal and as Markdown, and the machine it was made on."""

import datetime
import os
import platform
import re
import statistics
import subprocess

HEAD = ("row", "ours", "theirs", "ratio (spread)", "goal", "")


def number(value):
    """Three digits that count, without exponents."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 if abs(value) >= 1 else 3}f}"


def cells(result):
    """A result's line, as texts."""
    unit = f" {result.unit}" if result.unit else ""
    values = result.values()
    middle = statistics.median(values)
    ours = number(statistics.median(result.ours)) + unit
    spread = f"({number(min(values))}..{number(max(values))})"
    if result.theirs is None:
        theirs, ratio = "-", spread if len(values) > 1 else "-"
    else:
        theirs = number(statistics.median(result.theirs)) + unit
        ratio = f"{number(middle)} {spread}"
    goal = "-"
    if result.goal is not None:
        what = unit if result.theirs is None else " x"
        goal = f"{result.goal.sign} {number(result.goal.value)}{what}"
    return (result.row, ours, theirs, ratio, goal, result.verdict())


def text(results):
    """Lines for a terminal."""
    table = [HEAD] + [cells(r) for r in results]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    for line in table:
        yield "  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip()


def first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True,
                              check=False, timeout=20)
    except OSError:
        return "not there"
    lines = (done.stdout + done.stderr).splitlines()
    return lines[0].strip() if lines else "silent"


def version(argv):
    """The first thing that looks like a version in a program's first line."""
    match = re.search(r"\d+\.\d+(\.\d+)*", first_line(argv))
    return match[0] if match else "?"


def machine():
    """(what, value) pairs; no names of hosts or people."""
    cpu = memory = "?"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = f"{int(f.readline().split()[1]) / 1024 ** 2:.0f} GiB"
    with open("/etc/os-release", encoding="utf-8") as f:
        system = re.search(r'PRETTY_NAME="(.*)"', f.read())[1]
    return [
        ("processor", f"{os.cpu_count()} cores of {cpu}"),
        ("memory", memory),
        ("system", f"{system}, Linux {platform.release().split('-')[0]}"),
        ("compiler", first_line(["cc", "--version"])),
        ("Postfix", version(["postconf", "-dh", "mail_version"])),
        ("rspamd", version(["rspamd", "--version"])),
        ("Redis", version(["redis-server", "--version"])),
        ("MariaDB", version(["mariadbd", "--version"]).removesuffix(".")),
        ("nginx", version(["nginx", "-v"])),
    ]


def markdown(results, failures, command, revision, load):
    """The whole of RESULTS.md; called at the end of the run."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    yield "# Benchmark results"
    yield ""
    yield (f"Written by `{command}` on {today}, revision {revision}. Ratios "
           "are ours to theirs within each pair of one run, as the median "
           "and (smallest..largest); ours and theirs are medians. \"unsure\" "
           "says that the 95 % interval of the median has the goal inside.")
    yield ""
    yield "| | |"
    yield "|---|---|"
    for what, value in [*machine(), ("load before", f"{load:.2f}")]:
        yield f"| {what} | {value} |"
    yield ""
    yield "| row | what | against | ours | theirs | ratio (spread) | goal | |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in results:
        row, *rest = cells(result)
        yield "| " + " | ".join([row, result.what, result.against, *rest]) \
            + " |"
    for name, error in failures:
        yield f"| {name} | not measured: {error} | | | | | | |"
    notes = [(r.row, note) for r in results for note in r.notes]
    if notes:
        yield ""
        yield "Notes:"
        yield ""
        for row, note in notes:
            yield f"- {row}: {note}"
