# SPDX-License-Identifier: BSD-2-Clause
"""One fault under load, and what came of it."""

import collections
import dataclasses
import os
import random
import re
import time

from tests.lib.process import Failed, wait_for

from .fault import unseen

# Messages accepted before the fault begins, and after it has ended.
BEFORE, AFTER = 12, 25
# A fault is said, and its end is said; not every event that meets it.
MOST_LINES = 60
SAID_EVERY = 60
# What the doctor says of a spool for an hour after it lost something.
SCAR = re.compile("were lost|were damaged and passed over")


@dataclasses.dataclass
class Round:
    """What a round did; without problems it was a good one."""
    fault: str
    seed: int
    took: float
    problems: list
    stats: collections.Counter
    doctor: list   # what the doctor found while the fault lasted
    logs: dict     # program -> what it logged meanwhile

    def line(self):
        s = self.stats
        events = sum(n for k, n in s.items() if k.endswith(" events"))
        return (f"{'ok  ' if not self.problems else 'FAIL'}  "
                f"{self.fault:32}  seed {self.seed:<5} {self.took:5.1f} s"
                f"  messages={s['messages']} tries={s['tries']} "
                f"events={events} unrecorded={s['unrecorded']} "
                f"lost={s['lost']} duplicates={s['duplicates']} "
                f"slowest={s['slowest command']}/{s['slowest end']} s")


class Logs:
    """What each of our programs logs from here on."""

    def __init__(self, scene):
        self.files = {short: p.log for short, p in
                      scene.ours.daemons.items()}
        self.at = {short: os.path.getsize(path)
                   for short, path in self.files.items()}
        self.since = time.monotonic()
        self.earlier = scene.logs
        scene.logs.append(self)

    def read(self, at=None):
        texts = {}
        for short, path in self.files.items():
            with open(path, encoding="utf-8", errors="replace") as f:
                f.seek((at or self.at)[short])
                texts[short] = f.read()
        return texts

    def read_minute(self):
        """And what was said in the minute before, which is not repeated."""
        old = [logs for logs in self.earlier
               if logs.since <= self.since - SAID_EVERY]
        return self.read((old or self.earlier)[-1 if old else 0].at)


def wait_accepted(scene, more, timeout=120.0):
    goal = scene.load.accepted + more
    wait_for(lambda: scene.load.accepted >= goal, timeout,
             f"{more} messages to be accepted")


def suffer(scene, fault, r):
    """The fault from its cause to its end; what the doctor found."""
    found = []
    cause = fault.cause(scene, r)
    try:
        visible = next(cause)
        begun = time.monotonic()
        time.sleep(r.uniform(*fault.hold))  # the fault's own length
        if visible and not scene.plain:
            found = scene.doctor()["checks"]
        for _ in cause:
            raise AssertionError(f"{fault.name} yields twice")
        return found, visible, time.monotonic() - begun
    finally:
        cause.close()


def play(scene, fault, seed):
    """A round of one fault; never raises for what it finds."""
    r = random.Random(f"{fault.name}:{seed}")
    begun, found, visible, problems = time.monotonic(), [], False, []
    logs, run = Logs(scene), None
    try:
        with scene.run() as run:
            wait_accepted(scene, BEFORE)
            found, visible, _ = suffer(scene, fault, r)
            scene.redirects.end()  # they take longer than all else
            wait_accepted(scene, AFTER)
        run.check()
    except Exception as error:  # whatever it is: this round was none
        problems.append(f"{type(error).__name__}: {error}")
    texts = logs.read()
    if run is not None:
        problems += run.problems
        run.stats["lost"] = run.lost
    if not scene.plain:
        problems += unseen(found, fault.logged(scene),
                           fault.doctor if visible else (),
                           logs.read_minute())
        problems += flooded(texts) + healthy(scene)
    return Round(fault.name, seed, time.monotonic() - begun, problems,
                 run.stats if run else collections.Counter(), found, texts)


def flooded(texts, faults=1):
    return [f"{short} logged {text.count(chr(10))} lines"
            for short, text in texts.items()
            if text.count("\n") > MOST_LINES * faults]


def healthy(scene):
    """All is well again without a command: the doctor finds no more than
    what was lost or damaged for good."""
    try:
        checks = scene.doctor()["checks"]
    except Failed as error:
        return [f"the doctor afterwards: {error}"]
    return [f"afterwards the doctor says {c['state']}: {c['found']}"
            for c in checks if c["state"] == "FAIL"
            and not (scene.scarred and SCAR.search(c["found"]))]
