# SPDX-License-Identifier: BSD-2-Clause
"""Load for a long time, random faults, and nothing that grows."""

import collections
import contextlib
import os
import random
import sys
import threading
import time

from tests.lib import checked

from .catalogue import FAULTS
from .rounds import Logs, flooded, healthy

SAMPLE_S = 2.0
WARM_S = 30.0      # memory is compared from this age of a program on
TWO_AT_ONCE = 0.3  # how often another fault comes with the first
# Memory may grow while the largest messages, and the longest backlogs, are
# met for the first time; from the middle of a program's life to its end it may
# grow by this. And it has a ceiling, design's own.
GROWTH = 4 << 20
CEILING = 64 << 20


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Life:
    """One process: its memory and descriptors when warm, and last."""

    def __init__(self, short, pid):
        self.short, self.pid, self.begun = short, pid, time.monotonic()
        self.first = self.last = self.most = None
        self.sizes = []  # of its memory, warm

    def sample(self):
        now = (resident(self.pid), descriptors(self.pid))
        self.most = now if self.most is None else \
            tuple(map(max, now, self.most))
        self.last, self.age = now, time.monotonic() - self.begun
        if self.age > WARM_S:
            self.first = self.first or now
            self.sizes.append(now[0])

    def growth(self):
        """From its third quarter to its last, by their medians."""
        n = len(self.sizes) // 4
        middle, end = sorted(self.sizes[2 * n:3 * n]), sorted(
            self.sizes[3 * n:])
        return end[len(end) // 2] - middle[len(middle) // 2] if n else 0


class Samples:
    """What a thread measures every SAMPLE_S seconds."""

    def __init__(self, scene):
        self.scene = scene
        self.lives = {}  # pid -> Life
        self.lag = []    # (seconds since the beginning, bytes not stored)
        self.begun = time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self):
        self._ending.set()
        self._thread.join()

    def _work(self):
        while not self._ending.wait(SAMPLE_S):
            for short, process in self.scene.ours.daemons.items():
                if process.running():
                    pid = process.pid
                    with contextlib.suppress(OSError, IndexError):
                        self.lives.setdefault(pid, Life(short, pid)).sample()
            with contextlib.suppress(AssertionError, ValueError):
                self.lag.append((time.monotonic() - self.begun, sum(
                    e["unsent"] + e["unacked"]
                    for e in self.scene.status()["endpoints"])))
            self.scene.witness.look()

    def longest(self, short):
        """The longest life of a program, of those that got warm."""
        lives = [v for v in self.lives.values()
                 if v.short == short and v.first is not None]
        return max(lives, key=lambda v: v.age, default=None)


class Soak:
    """minutes of `rate` messages a second, a fault every `every` seconds."""

    def __init__(self, scene, minutes, every, seed):
        self.scene, self.minutes, self.every = scene, minutes, every
        self.random = random.Random(f"soak:{seed}")
        self.seed = seed
        self.done = []       # names, in their order
        self.ended = []      # servers that ended themselves
        self.problems = []
        self.usable = [f for f in FAULTS.values() if f.fits(scene)]

    def choose(self):
        first = self.random.choice(self.usable)
        if self.random.random() >= TWO_AT_ONCE:
            return [first]
        others = [f for f in self.usable if not set(f.on) & set(first.on)]
        return [first, self.random.choice(others)]

    def strike(self, faults):
        """All of them begin, last for a while, and end; what was wrong."""
        causes = []
        seed = self.random.random()
        try:
            for f in faults:
                causes.append(f.cause(self.scene, random.Random(seed)))
                next(causes[-1])
            time.sleep(random.Random(seed).uniform(*faults[0].hold))
            for cause in reversed(causes):
                for _ in cause:
                    raise AssertionError("a fault yields once")
        except Exception as error:  # the others go on, and it is told
            self.problems.append(f"{[f.name for f in faults]}: {error!r}")
        finally:
            for cause in reversed(causes):
                cause.close()
            self.done.append([f.name for f in faults])

    def play(self, said=lambda text: None):
        begun = time.monotonic()
        end = begun + self.minutes * 60
        logs = Logs(self.scene)
        samples = Samples(self.scene)
        try:
            with self.scene.run(f"soak{self.seed}") as self.run:
                due = begun + min(self.every, 10)
                while (now := time.monotonic()) < end:
                    if now >= due and now < end - self.every / 2:
                        due += self.every
                        faults = self.choose()
                        said(self.progress(begun, end, faults))
                        self.strike(faults)
                    self.ended += self.scene.keep_servers()
                    time.sleep(0.2)  # until the next fault is due
            self.run.check()
            self.problems += self.run.problems
        except AssertionError as error:
            self.problems.append(f"the end: {error}")
        finally:
            samples.stop()
            self.samples, self.took = samples, time.monotonic() - begun
        texts = logs.read()
        self.lines = {s: t.count("\n") for s, t in texts.items()}
        self.problems += flooded(texts, len(self.done))
        self.problems += healthy(self.scene) + self.grown()
        return self

    def progress(self, begun, end, faults):
        now = time.monotonic()
        load = self.scene.load
        return (f"{(now - begun) / (end - begun):4.0%}  "
                f"{load.accepted} messages, "
                f"{load.accepted / (now - load.begun):.1f}/s, "
                f"{(end - now) / 60:.1f} min left; now: "
                f"{' and '.join(f.name for f in faults)}")

    def grown(self):
        wrong = []
        if not checked.plain():
            return wrong  # a sanitizer's own memory is in it
        for short in self.scene.ours.daemons:
            life = self.samples.longest(short)
            if life is None:
                continue
            if life.growth() > GROWTH:
                wrong.append(f"{short} grows: by {life.growth()} bytes from "
                             f"the third quarter of {life.age:.0f} s on")
            if life.most[0] > CEILING:
                wrong.append(f"{short} had {life.most[0]} bytes")
        return wrong

    def report(self):
        """Lines for people."""
        run, lag = self.run, [n for _, n in self.samples.lag]
        faults = sum(map(len, self.done))
        yield (f"{self.took / 60:.1f} minutes, seed {self.seed}: {faults} "
               f"faults at {len(self.done)} times, "
               f"{run.stats['messages']} messages in {run.stats['tries']} "
               f"tries ({self.scene.load.accepted / self.minutes / 60:.1f} "
               "a second)")
        counts = collections.Counter(n for names in self.done for n in names)
        yield ", ".join(f"{n} {k}" for k, n in sorted(counts.items()))
        yield "  ".join(f"{k}={v}" for k, v in sorted(run.stats.items()))
        yield (f"Redis began without its file {self.scene.burnt} times")
        yield (f"lost={run.lost} (the spool was full or unwritable), "
               f"dead letters={len(run.dead)}")
        yield (f"not yet stored: at most {max(lag, default=0)} bytes, "
               f"median {sorted(lag)[len(lag) // 2] if lag else 0}, "
               f"last {lag[-1] if lag else 0}")
        for short in self.scene.ours.daemons:
            life = self.samples.longest(short)
            lives = sum(v.short == short for v in self.samples.lives.values())
            if life is None:
                yield f"{short:10} {lives} lives, none of {WARM_S:.0f} s"
                continue
            yield (f"{short:10} {lives} lives; in the longest "
                   f"({life.age:.0f} s) memory {life.first[0] / 1e6:.1f} MB "
                   f"-> {life.last[0] / 1e6:.1f} MB (at most "
                   f"{life.most[0] / 1e6:.1f}), files {life.first[1]} -> "
                   f"{life.last[1]} (at most {life.most[1]}), "
                   f"{self.lines[short]} lines logged")
        for text in self.ended:
            yield text
        for problem in self.problems:
            yield f"WRONG: {problem}"


def progress_to_terminal(text):
    """For a person who waits; a pipe gets the report only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
