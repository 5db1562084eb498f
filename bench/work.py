# SPDX-License-Identifier: BSD-2-Clause
"""What a program does for a load: its instructions and its system calls.

Both are counted, not timed, so that they come out the same on a machine that
others use. A program is started under callgrind, or strace is attached to it;
after a first load, what the second one takes is its cost.
"""

import os
import re
import signal

from tests.lib.process import Failed, Process, run, wait_for

VALGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file={file}",
            "--compress-strings=no")
# "<line> <instructions>"; lines may be relative ("+3") or the same ("*").
POSITION = re.compile(r"(\d+|[+-]\d+|\*) \d+$")


class Instructions:
    """Of a daemon that has not been started yet.

    start() begins it under callgrind; dump() gives the instructions since
    the start or the last dump: {(function, library or program): count}.
    """

    def __init__(self, daemon):
        self.daemon = daemon
        self.file = os.path.join(daemon.directory,
                                 f"callgrind.{daemon.name}")
        self.dumps = 0

    def start(self):
        self.daemon.argv = [*(a.format(file=self.file) for a in VALGRIND),
                            *self.daemon.argv]
        self.daemon.start_notify(timeout=120)
        return self

    def dump(self):
        self.dumps += 1
        run(["callgrind_control", f"--dump={self.dumps}",
             str(self.daemon.pid)], timeout=60)
        path = f"{self.file}.{self.dumps}"
        wait_for(lambda: os.path.exists(path) and totalled(path), 60,
                 f"callgrind's {path}")
        return functions(path)


def totalled(path):
    with open(path, "rb") as f:
        return b"\ntotals: " in f.read()


def functions(path):
    """Instructions of each function itself, in a file of callgrind's.

    The line behind "calls=" has what the called function took, which stands
    at that function, too.
    """
    found, names = {}, {"ob": "?", "fn": "?"}
    called = False
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if called:
                called = False
            elif POSITION.match(line):
                key = (names["fn"], os.path.basename(names["ob"]))
                found[key] = found.get(key, 0) + int(line.split()[1])
            else:
                what, _, name = line.rstrip("\n").partition("=")
                called = what == "calls"
                if what in names:
                    names[what] = name
    if not found:
        raise Failed(f"{path}: no function in it")
    return found


def by_object(costs):
    """Instructions of each library and of the program."""
    found = {}
    for (_, where), count in costs.items():
        found[where] = found.get(where, 0) + count
    return found


def by_function(costs):
    """Instructions of each function, wherever it is."""
    found = {}
    for (name, _), count in costs.items():
        found[name] = found.get(name, 0) + count
    return found


def system_calls(lab, daemon, load):
    """{name: count} of a running daemon's system calls while load() runs."""
    path = lab.path(f"strace.{daemon.name}")
    tracer = lab.add(Process(f"strace.{daemon.name}", [
        "strace", "-f", "-c", "-U", "calls,name", "-o", path,
        "-p", str(daemon.pid)], lab.directory))
    tracer.start(lambda: "attached" in tracer.text())
    load()
    tracer.signal(signal.SIGINT)
    tracer.wait()
    found = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            words = line.split()
            if len(words) == 2 and words[0].isdigit() and \
                    words[1] != "total":
                found[words[1]] = int(words[0])
    return found
