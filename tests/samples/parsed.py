# SPDX-License-Identifier: BSD-2-Clause
"""What lib/maillog makes of a log, line by line: maillog_survey -g, read."""

import bz2
import collections
import gzip
import pathlib
import re
import tempfile

from tests.lib.process import run

FIELD = re.compile(r" ([a-z_]+)=<(.*?)>(?= [a-z_]+=<|$)")
PACKED = {".gz": gzip.open, ".bz2": bz2.open}

Line = collections.namedtuple("Line", "number kind shape events text")
Event = collections.namedtuple("Event", "kind fields")


def read_bytes(path):
    return PACKED.get(path.suffix, open)(path, "rb").read()


def survey(build, path, now):
    return run([build / "tests/tools/maillog_survey", "-g", "-z", "UTC",
                "-n", now, path]).stdout


def parse(build, text, now):
    """The lines of a log (bytes) by number, from 1; those with a # in front
    are none."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "log"
        path.write_bytes(text)
        golden = survey(build, path, now)
    raw = text.split(b"\n")
    lines = {}
    for line in golden.splitlines():
        if line.startswith("  "):
            kind, _, rest = line[2:].partition(" ")
            lines[number].events.append(
                Event(kind, dict(FIELD.findall(" " + rest))))
        else:
            number, kind, shape = line.split(" ")
            number = int(number)
            lines[number] = Line(number, kind, shape, [],
                                 raw[number - 1].decode(errors="replace"))
    return lines
