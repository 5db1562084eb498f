# SPDX-License-Identifier: BSD-2-Clause
"""What systemd does with our units: a program that ended is started again
RestartSec later, unless it ended with a code of RestartPreventExitStatus."""

import contextlib
import os
import re
import threading
import time

from tests.lib.mailtrail import ROOT
from tests.lib.process import Failed


def unit(short):
    """(seconds, codes) of a unit of ours: when it is started again, and
    after which ends it is not."""
    path = os.path.join(ROOT, "packaging", "systemd",
                        f"mailtrail-{short}.service.in")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    codes = re.search(r"^RestartPreventExitStatus=(.*)$", text, re.M)
    return (float(re.search(r"^RestartSec=(\d+)$", text, re.M)[1]),
            {int(c) for c in codes[1].split()} if codes else set())


class Supervisor:
    """Watches processes, short name -> Process, until stop()."""

    def __init__(self, processes):
        self.processes = processes
        self.units = {short: unit(short) for short in processes}
        self._wanted = {}  # short -> when to start it
        self._held = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self):
        """In the thread that watches them: the kernel ends them with it."""
        begun = threading.Event()
        self._begun, self._error = begun, None
        self._thread.start()
        begun.wait()
        if self._error is not None:
            raise self._error
        return self

    def stop(self):
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self):
        try:
            for process in self.processes.values():
                process.start_notify()
        except Exception as error:  # whatever it is, start() raises it
            self._error = error
        self._begun.set()
        while self._error is None and not self._ending.wait(0.05):
            for short, process in self.processes.items():
                self._look(short, process)
        for process in self.processes.values():
            process.stop()

    def _look(self, short, process):
        if process.running():
            return
        wait, prevent = self.units[short]
        now = time.monotonic()
        if short not in self._wanted:
            code = process.wait()
            self._wanted[short] = float("inf") if code in prevent \
                else now + wait
        elif now >= self._wanted[short] and short not in self._held:
            del self._wanted[short]
            try:
                process.start_notify()
            except Failed:
                pass  # looked at again at once, and tried again later

    @contextlib.contextmanager
    def kept_down(self, short):
        """It is not started again before the end of the block."""
        self._held.add(short)
        try:
            yield
        finally:
            self._held.discard(short)

    def down(self):
        """Those that do not run, or are not ready yet."""
        return [s for s, p in self.processes.items()
                if s in self._wanted or not p.running()]
