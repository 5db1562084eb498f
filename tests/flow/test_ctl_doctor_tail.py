# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` on the mail log and who reads it."""

import os
import re
import shutil

import pytest

from tests.lib.doctor import checks, only
from tests.lib.process import wait_for
from tests.lib.tailing import Tail, removed


@pytest.fixture
def tail(doctor, own_lab, build):
    """Its option file stands beside the command's."""
    tail = Tail(own_lab, build)
    conf = os.path.join(doctor.directory, "tail.conf")
    shutil.move(tail.conf, conf)
    tail.conf = tail.process.argv[2] = conf
    return tail


def test_who_reads_the_log_is_looked_for(doctor, tail):
    found, remedy = only(doctor, "log", "FAIL")
    assert found.startswith("mailtrail-tail has never worked here: ")
    assert remedy.startswith("start it: systemctl start mailtrail-tail")
    tail.write(removed(0) * 3)
    tail.start()
    tail.wait(3)
    wait_for(lambda: tail.saved()["count"][0] == "3", 10, "its state")
    found, _ = only(doctor, "log", "ok")
    assert re.fullmatch(re.escape(tail.path("mail.log")) +
                        r": 3 lines, 6 events, 0 bytes to read; the last line is "
                        r"of 20\d\d-.*Z", found), found
    tail.process.pause()
    found, remedy = only(doctor, "log", "FAIL")
    assert found == ("mailtrail-tail does nothing: process "
                     f"{tail.process.pid} is stopped")
    assert remedy.startswith(f"let it go on: kill -CONT {tail.process.pid}")
    tail.process.resume()
    tail.process.kill()
    assert only(doctor, "log", "FAIL")[0] == "mailtrail-tail is not running"


def test_what_is_missing_or_not_understood_is_shown(doctor, tail):
    tail.write(removed(0))
    tail.start()
    tail.wait(1)
    tail.stop()
    with open(tail.path("mail.log"), "wb") as f:
        f.write(removed(1))
        for i in range(20):
            f.write(removed(i).replace(b"qmgr", b"smtpd")
                    .replace(b"removed", b"strange news"))
    tail.start()
    tail.wait(2)
    wait_for(lambda: tail.saved()["count"][4] == "20", 10, "its state")
    warned = [c[1] for c in checks(doctor, "log") if c[0] == "warn"]
    name = tail.path("mail.log")
    assert warned == [f"{name}: lines are missing in 1 places",
                      f"{name}: 20 of 21 lines are not understood, most of "
                      "smtpd"]


def test_a_log_that_nobody_can_record_is_failing(doctor, tail):
    tail.write(removed(0))
    tail.start()
    tail.wait(1)
    wait_for(lambda: tail.saved()["count"][0] == "1", 10, "its state")
    tail.process.kill()
    tail.configure(spool_segment="64k", spool_max="128k")
    tail.start()
    for i in range(40):
        tail.write(b"".join(removed(n) for n in range(i * 100, i * 100 + 100)))
    tail.wait_log("spool: full")
    path = os.path.join(tail.state, "tail.state")

    def failing():
        os.utime(path, (1, 1))  # as if that was a while ago
        return [c for c in checks(doctor, "log") if c[0] == "FAIL"]
    (_, found, remedy), = wait_for(failing, 10, "the doctor to see it")
    assert re.search(r"mail.log: [0-9.]+ KiB are not read, and nothing was "
                     "for ", found), found
    assert "is the spool full?" in remedy


def test_a_state_that_cannot_be_kept_is_told(doctor, tail):
    tail.write(removed(0))
    tail.start()
    tail.wait(1)
    assert "warn" not in [c[0] for c in checks(doctor, "log")]
    os.chmod(tail.state, 0o555)
    found, remedy = only(doctor, "log", "warn")
    assert found == f"{tail.state}: mode 0555 lets nobody write"
    assert "a restart reads more twice" in remedy


def test_options_that_others_share_are_compared(doctor, tail):
    with open(os.path.join(doctor.directory, "milter.conf"), "w",
              encoding="ascii") as f:
        f.write(f"host = mx9.example.org\nspool_dir = {tail.spool}\n"
                f"token_keys = {doctor.options['token_keys']}\n"
                f"policy_snapshot = {doctor.options['policy_snapshot']}\n"
                "ignore_addresses = a@example.org\n")
    tail.configure(ignore_addresses="b@example.org")
    said = [c[1] for c in checks(doctor, "config") if c[0] == "FAIL"]
    assert "host: mx9.example.org in milter.conf, but mx.example.org in " \
        "tail.conf" in said
    assert any(s.startswith("ignore_addresses: ") for s in said)
