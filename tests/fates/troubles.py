# SPDX-License-Identifier: BSD-2-Clause
"""What may happen to a log and to who reads it, while mail flows."""

import random
import threading
import time

TURNS = (("kill",), ("rotate",), ("kill", "rotate"), ("rotate", "kill"))


class Troubles:
    """About every `every` seconds, by turns, kill -9 of the process `tail`, a
    rotation of the log, or one within the other. Without a tail, rotations
    only; every 0 is never."""

    def __init__(self, log, tail=None, seed=1, every=3.0):
        self.log, self.tail, self.every = log, tail, every
        self.random = random.Random(f"troubles:{seed}")
        self.kills = 0
        self.broken = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        if self.every:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        if self.every:
            self._thread.join()
        if self.broken is not None:
            raise self.broken

    def _work(self):
        turn = 0
        try:
            while not self._ending.wait(
                    self.every * self.random.uniform(0.5, 1.5)):
                self._strike(TURNS[turn % len(TURNS)])
                turn += 1
        except Exception as error:
            self.broken = error

    def _strike(self, acts):
        for act in acts:
            if act == "rotate":
                self.log.rotate()
            elif self.tail is not None:
                self.tail.kill()
                self.kills += 1
        if self.tail is not None and "kill" in acts:
            # The log grows while nobody reads it.
            time.sleep(self.random.uniform(0, self.every / 2))
            self.tail.start_notify()
