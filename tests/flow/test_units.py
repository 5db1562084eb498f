# SPDX-License-Identifier: BSD-2-Clause
"""The systemd units are valid and closed; users and directories get made."""

import os
import re
import shutil

import pytest

from tests.lib.process import run

UNITS = ["mailtrail-milter", "mailtrail-tail", "mailtrail-ship",
         "mailtrail-collector", "mailtrail-pixel", "mailtrail-feed",
         "mailtrail-prune"]


@pytest.fixture
def systemd():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_valid_and_exposes_under_2(
        root, build, systemd, tmp_path, unit):
    text = (build / f"packaging/{unit}.service").read_text()
    assert "@" not in re.sub(r"=~?@(system-service|privileged|resources)"
                             r"( @resources)?", "", text)
    said = run(["systemd-analyze", "security", "--offline=true",
                build / f"packaging/{unit}.service"]).stdout
    level = re.search(r"Overall exposure level.*: ([0-9.]+) ", said)
    assert float(level[1]) < 2.0
    # The programs are not installed here; another one stands for them.
    socket = root / f"packaging/systemd/{unit}.socket"
    if socket.exists():
        shutil.copy(socket, tmp_path)
    path = tmp_path / f"{unit}.service"
    path.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text))
    said = run(["systemd-analyze", "verify", "--man=no",
                "--recursive-errors=no", path])
    assert said.stderr == ""


def test_the_timer_is_valid(root, build, systemd, tmp_path):
    text = (build / "packaging/mailtrail-prune.service").read_text()
    (tmp_path / "mailtrail-prune.service").write_text(
        re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", text))
    path = tmp_path / "mailtrail-prune.timer"
    shutil.copy(root / "packaging/systemd/mailtrail-prune.timer", path)
    said = run(["systemd-analyze", "verify", "--man=no",
                "--recursive-errors=no", path])
    assert said.stderr == ""


@pytest.mark.parametrize("unit", UNITS[:6])
def test_a_daemon_that_dies_often_comes_back(build, unit):
    text = (build / f"packaging/{unit}.service").read_text()
    assert re.search(r"^Restart=on-failure$", text, re.M)
    assert re.search(r"^StartLimitIntervalSec=0$", text, re.M)
    # MariaDB's password or schema may be in the middle of a change.
    final = "64" if unit == "mailtrail-collector" else "64 78"
    assert re.search(rf"^RestartPreventExitStatus={final}$", text, re.M)


def test_prune_may_destroy_the_key_of_the_day(build):
    """Else it fails every night where the pixel runs, too."""
    text = (build / "packaging/mailtrail-prune.service").read_text()
    default = run([build / "ctl/mailtrail", "-d"]).stdout
    key = re.search(r"^day_key = (.*)$", default, re.M)[1]
    writable = re.search(r"^ReadWritePaths=-(.*)$", text, re.M)[1]
    assert os.path.dirname(key.strip('"')) == writable


def test_user_and_directories_are_made(root, tmp_path):
    if os.geteuid() != 0 or shutil.which("systemd-tmpfiles") is None:
        pytest.skip("needs root, systemd-sysusers and systemd-tmpfiles")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "postfix:x:103:106::/var/spool/postfix:/usr/sbin/nologin\n")
    (tmp_path / "etc/group").write_text("postfix:x:106:\n")
    units = root / "packaging/systemd"
    run(["systemd-sysusers", f"--root={tmp_path}", units / "sysusers.conf"])
    user = [line.split(":") for line in
            (tmp_path / "etc/passwd").read_text().splitlines()
            if line.startswith("mailtrail:")][0]
    assert user[5] == "/var/lib/mailtrail" and user[6].endswith("nologin")
    run(["systemd-tmpfiles", "--create", f"--root={tmp_path}",
         units / "tmpfiles.conf"])
    socket_dir = (tmp_path / "var/spool/postfix/mailtrail").stat()
    assert oct(socket_dir.st_mode & 0o7777) == "0o2750"
    assert (socket_dir.st_uid, socket_dir.st_gid) == (int(user[2]), 106)
    assert oct((tmp_path / "etc/mailtrail").stat().st_mode & 0o7777) \
        == "0o750"
