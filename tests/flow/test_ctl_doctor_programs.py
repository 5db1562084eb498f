# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` while a program of ours is killed or stopped, and what is
left to do when it goes on: nothing."""

import json
import signal
import time

import pytest

from tests.lib.mailtrail import Mailtrail
from tests.lib.process import Lab, wait_for
from tests.lib.system import System

SHORT = ("milter", "ship", "collector", "pixel")


@pytest.fixture(scope="module")
def host(build, redis, mariadb):
    """All of ours; each test leaves it as well as it was."""
    with Lab() as lab:
        ours = Mailtrail(lab, build, redis, mariadb, "",
                         database="doctor_programs",
                         stream="mailtrail:doctor_programs")
        yield ours.prepare().start()


def failing(host, *steps):
    """(found, remedy) of what the doctor finds failing, and how long it
    took; Postfix and the pixel's address are not there."""
    begun = time.monotonic()
    said = json.loads(host.command("doctor", "--json", ok=(0, 1)).stdout)
    took = time.monotonic() - begun
    return [(c["found"], c["remedy"]) for c in said["checks"]
            if c["state"] == "FAIL" and c["step"] in steps], took


@pytest.mark.parametrize("short", ["milter", "pixel"])
def test_a_program_that_is_stopped_is_told_from_one_that_is_not_there(
        host, short):
    daemon, name = host.daemons[short], f"mailtrail-{short}"
    before = daemon.text()
    assert failing(host, "socket")[0] == []
    daemon.signal(signal.SIGSTOP)
    (found, remedy), = failing(host, "socket")[0]
    assert found == (f"{name} does not answer at unix:"
                     f"{host.sockets}/{short}.sock: process {daemon.pid} "
                     "is stopped")
    assert remedy.startswith(f"let it go on: kill -CONT {daemon.pid}")
    daemon.signal(signal.SIGCONT)
    assert failing(host, "socket")[0] == []
    assert daemon.text() == before, "the question is nothing to write about"
    daemon.kill()
    (found, remedy), = failing(host, "socket")[0]
    assert found == (f"{name} is not running: unix:"
                     f"{host.sockets}/{short}.sock: Connection refused")
    assert remedy.startswith(f"start it: systemctl start {name}")
    daemon.start_notify()
    assert failing(host, "socket")[0] == []
