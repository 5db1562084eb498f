# SPDX-License-Identifier: BSD-2-Clause
"""Processes that are killed, and processes that stop: ours, Redis, MariaDB,
Postfix's."""

import contextlib
import os
import signal
import time

from tests.lib.process import children, stopped

from .fault import add_each

OURS = ("milter", "ship", "collector", "pixel")
POSTFIX = ("smtpd", "cleanup", "qmgr")


def window_of(scene, name):
    """Only these two are missed at once; the others make things wait."""
    return scene.window(name) if name in ("milter", "pixel") \
        else contextlib.nullcontext()


LATER = ("tail", "feed")  # where they are at work: a whole scene
# Where the doctor speaks of a program, and of one that is stopped.
STEP = {"milter": "socket", "pixel": "socket", "ship": "spool",
        "collector": "redis", "tail": "log", "feed": "socket"}
NOT_THERE = {n: [(s, f"mailtrail-{n}")] for n, s in STEP.items()}
STOPPED = {n: [(s, f"mailtrail-{n} .*process \\d+ is stopped")]
           for n, s in STEP.items()}
# Who says that a server is away, and where the events are meanwhile.
WAITING = {"redis": [("ship", "keeping")],
           "mariadb": [("collector", "keeping the events in Redis")]}


# That nobody asks Redis for events is certain after 8 s.
@add_each(OURS, title="NAME killed", hold={"collector": (8.5, 10.0)},
          doctor=NOT_THERE)
def program_killed(scene, r, name):
    """kill -9 of mailtrail-NAME, up to four times; started by systemd."""
    with window_of(scene, name):
        if name == "tail":
            scene.redirects.wait_logged()
        if r.random() < 0.5:
            with scene.supervisor.kept_down(name):
                scene.daemon(name).kill()
                yield True
        else:
            for _ in range(r.randint(1, 4)):
                scene.daemon(name).kill()
                time.sleep(r.uniform(0, 0.3))  # at any point of its life
                scene.wait_up()
            yield False
        scene.wait_up()


@add_each(OURS, title="NAME stopped", hold=(1.0, 8.0), doctor=STOPPED)
def program_stopped(scene, r, name):
    """SIGSTOP of mailtrail-NAME, later SIGCONT."""
    with window_of(scene, name), stopped(scene.daemon(name).pid):
        yield True


for _cause, _title, _hold, _doctor in (
        (program_killed, "NAME killed", (0.3, 1.0), NOT_THERE),
        (program_stopped, "NAME stopped", (0.5, 1.5), STOPPED)):
    add_each(LATER, title=_title, hold=_hold, doctor=_doctor,
             needs={"whole": True})(_cause)


@add_each(("redis", "mariadb"), title="NAME killed", log=WAITING, doctor={
    "redis": [("redis", "Connection refused")],
    "mariadb": [("mariadb", "Can't connect")],
})
def server_killed(scene, r, name):
    """kill -9 of NAME, started again later."""
    getattr(scene, name).kill()
    try:
        yield True
    finally:
        scene.start_server(name)


@add_each(("redis", "mariadb"), title="NAME stopped", hold=(1.0, 8.0), doctor={
    "redis": [("redis", "no answer in time")],
    "mariadb": [("mariadb", "Lost connection")],
})
def server_stopped(scene, r, name):
    """SIGSTOP of NAME, later SIGCONT."""
    with stopped(getattr(scene, name).process.pid):
        yield True


def of_postfix(scene, name):
    """The pids of master's children of that name."""
    return children(scene.postfix.process.pid, name)


@add_each(POSTFIX, title="postfix NAME killed", plain=True)
def postfix_killed(scene, r, name):
    """kill -9 of some of Postfix's NAME processes, several times."""
    with scene.window("postfix"):
        for _ in range(r.randint(1, 5)):
            for pid in of_postfix(scene, name):
                if r.random() < 0.5:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(r.uniform(0, 0.5))  # at any point of its work
        yield False


@add_each(POSTFIX, title="postfix NAME stopped", hold=(1.0, 6.0), plain=True)
def postfix_stopped(scene, r, name):
    """SIGSTOP of some of Postfix's NAME processes, later SIGCONT."""
    with scene.window("postfix"), contextlib.ExitStack() as stack:
        for pid in of_postfix(scene, name):
            if r.random() < 0.7:
                with contextlib.suppress(ProcessLookupError):
                    stack.enter_context(stopped(pid))
        yield False
