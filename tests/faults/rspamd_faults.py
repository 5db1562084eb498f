# SPDX-License-Identifier: BSD-2-Clause
"""rspamd, with our plugin at work in it: its end costs verdicts, no mail."""

import contextlib
import os
import signal
import time

from tests.lib.process import children, wait_for

from .fault import fault

WHOLE = {"whole": True}


@fault("rspamd worker killed", hold=(0.1, 0.5), needs=WHOLE)
def worker_killed(scene, r):
    """kill -9 of rspamd's workers, several times."""
    with scene.window("rspamd"):
        main = scene.system.rspamd.process.pid
        for _ in range(r.randint(1, 4)):
            for pid in children(main, "rspamd"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(r.uniform(0, 0.3))  # at any point of its life
        yield False
        wait_for(scene.system.rspamd.ready, 30, "rspamd to listen")


@fault("rspamd restarted", hold=(0.1, 1.0), needs=WHOLE)
def restarted(scene, r):
    """rspamd ends, by SIGTERM or SIGKILL, and is started again later."""
    with scene.window("rspamd"):
        rspamd = scene.system.rspamd
        if r.random() < 0.5:
            rspamd.process.kill()
        else:
            rspamd.stop()
        try:
            yield False
        finally:
            rspamd.start()
