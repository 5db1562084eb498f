# SPDX-License-Identifier: BSD-2-Clause
"""What may happen to Postfix's log, and to what mailtrail-tail remembers."""

import contextlib
import os
import time

from .fault import fault

WHOLE = {"whole": True}
FORGETS = [("tail", "state_dir: .*; going on, a restart will read more twice")]


@contextlib.contextmanager
def perhaps_killed(scene, r):
    """mailtrail-tail is dead from here to the end of the block, or is not."""
    with contextlib.ExitStack() as stack:
        if r.random() < 0.6:
            scene.redirects.wait_logged()
            stack.enter_context(scene.supervisor.kept_down("tail"))
            scene.daemon("tail").kill()
        yield
        time.sleep(r.uniform(0, 0.2))  # the log grows, read or not
        if r.random() < 0.3:
            scene.daemon("tail").kill()


@fault("log renamed", hold=(0.1, 0.5), needs=WHOLE,
       on=("log", "tail", "postfix"))
def log_renamed(scene, r):
    """The log is rotated by renaming, mailtrail-tail killed before or after."""
    with perhaps_killed(scene, r):
        scene.log.rotate()
    yield False
    scene.wait_up()


@fault("log copied and truncated", hold=(0.1, 0.5), needs=WHOLE,
       on=("log", "tail", "postfix"))
def log_truncated(scene, r):
    """The log is rotated by copytruncate, mailtrail-tail killed meanwhile."""
    for _ in range(r.randint(1, 2)):
        with perhaps_killed(scene, r):
            scene.log.copy_and_truncate()
    yield False
    scene.wait_up()


def last_line(path):
    """A line of a queue id, the newest one."""
    with open(path, "rb") as f:
        return [line for line in f.read().splitlines(True)
                if b"postfix/qmgr" in line][-1]


@fault("log line torn", hold=(0.1, 0.5), needs=WHOLE,
       on=("log", "tail", "postfix"))
def line_torn(scene, r):
    """A line comes in two pieces; of another the end never comes."""
    for whole in (True, False) * r.randint(1, 2):
        with scene.log.at_rest():
            line = last_line(scene.log.path)
            with open(scene.log.path, "ab", buffering=0) as f:
                cut = r.randrange(1, len(line) - 1)
                f.write(line[:cut])
                time.sleep(r.uniform(0, 0.1))  # is it read, or not yet
                if r.random() < 0.4:
                    scene.daemon("tail").kill()
                f.write(line[cut:] if whole else line)
    yield False
    scene.wait_up()


@fault("tail state unwritable", hold=(1.2, 1.8), needs=WHOLE, log=FORGETS,
       doctor=[("log", "mode 0555 lets nobody write")],
       on=("state", "tail"))
def state_unwritable(scene, r):
    """mailtrail-tail may not write what it remembers, and is killed."""
    os.chmod(scene.state.path, 0o555)
    try:
        yield True
        scene.daemon("tail").kill()
        if r.random() < 0.5:
            scene.wait_up()
    finally:
        os.chmod(scene.state.path, 0o777)
    scene.wait_up()


@fault("tail state disk full", hold=(1.2, 1.8), needs=WHOLE, log=FORGETS,
       doctor=[("log", "0 bytes left")], on=("state", "tail"))
def state_disk_full(scene, r):
    """The disk of what mailtrail-tail remembers is full, and it is killed."""
    scene.state.fill()
    try:
        yield True
        scene.daemon("tail").kill()
        if r.random() < 0.5:
            scene.wait_up()
    finally:
        scene.state.free()
    scene.wait_up()
