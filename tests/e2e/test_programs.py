# SPDX-License-Identifier: BSD-2-Clause
"""What every daemon does alike: help, version, options, bad input."""

import re
import subprocess

import pytest

PROGRAMS = {
    "mailtrail-milter": "milter",
    "mailtrail-tail": "tail",
    "mailtrail-ship": "shipper",
    "mailtrail-collector": "collector",
    "mailtrail-pixel": "pixel-cgi",
    "mailtrail-feed": "feed",
}
EX_OK, EX_USAGE, EX_CONFIG = 0, 64, 78


@pytest.fixture(params=sorted(PROGRAMS))
def program(request, build):
    path = build / PROGRAMS[request.param] / request.param
    assert path.exists()
    return path


def run(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=20)


def test_help_names_every_option(program):
    r = run(program, "--help")
    assert (r.returncode, r.stderr) == (EX_OK, "")
    assert r.stdout.startswith(f"{program.name}: ")
    for option in ("-c", "-o", "-t", "-d", "-n", "-v", "--version"):
        assert option in r.stdout


def test_version_is_the_release(program, root):
    release = (root / "VERSION").read_text().strip()
    for flag in ("-V", "--version"):
        r = run(program, flag)
        assert r.returncode == EX_OK
        assert r.stdout.startswith(f"{program.name} {release}")


def test_defaults_read_back_unchanged(program, tmp_path):
    defaults = run(program, "-d")
    assert defaults.returncode == EX_OK
    lines = [line for line in defaults.stdout.splitlines()
             if not line.endswith("=")]
    assert len(lines) > 3
    conf = tmp_path / "p.conf"
    conf.write_text(defaults.stdout)
    changed = run(program, "-c", conf, "-n")
    assert (changed.returncode, changed.stdout, changed.stderr) == (0, "", "")


def test_changed_options_are_shown(program):
    r = run(program, "-o", "host=mx.example", "-n")
    assert (r.returncode, r.stdout) == (EX_OK, "host = mx.example\n")


def test_the_sample_sets_nothing(program, tmp_path):
    sample = run(program, "--sample")
    conf = tmp_path / "p.conf"
    conf.write_text(sample.stdout)
    assert run(program, "-c", conf, "-n").stdout == ""
    names = set(re.findall(r"^#(\w+) =", sample.stdout, re.M))
    defaults = run(program, "-d").stdout
    assert names == set(re.findall(r"^(\w+) =", defaults, re.M))


@pytest.mark.parametrize("text, message", [
    ("host = a\ntokn = 1\n", ":2: unknown option 'tokn'"),
    ("host\n", ":1: not of the form name = value"),
    ("log_personal = maybe\n", ":1: log_personal: neither yes nor no"),
    ("host = a\nhost = b\n", ":2: host: set before, on line 1"),
])
def test_bad_files_are_refused_by_line(program, tmp_path, text, message):
    conf = tmp_path / "p.conf"
    conf.write_text(text)
    checked = run(program, "-c", conf, "-t")
    assert (checked.returncode, checked.stdout) == (EX_CONFIG, "")
    assert checked.stderr == f"{program.name}: {conf}{message}\n"
    # The pixel would go on with a socket handed over: images before options.
    started = run(program, "-c", conf)
    assert (started.returncode, started.stdout) == (EX_CONFIG, "")
    assert f"{conf}{message}" in started.stderr


def test_a_named_file_must_exist(program):
    r = run(program, "-c", "/nowhere/p.conf")
    assert r.returncode == EX_CONFIG
    assert "/nowhere/p.conf: No such file or directory" in r.stderr


@pytest.mark.parametrize("args", [["-x"], ["surplus"], ["-c"], ["--nosuch"]])
def test_bad_usage_shows_the_usage(program, args):
    r = run(program, *args)
    if args == ["surplus"] and program.name == "mailtrail-tail":
        # It takes operands; this is none that it knows.
        assert r.returncode == EX_CONFIG
        assert "log: 'surplus': not /PATH, -, " in r.stderr
        return
    assert r.returncode == EX_USAGE
    assert f"usage: {program.name}" in r.stderr


def test_a_bad_override_is_named(program):
    r = run(program, "-o", "tokn=1", "-t")
    assert r.returncode == EX_CONFIG
    assert r.stderr == (f"{program.name}: -o tokn=1: "
                        "unknown option 'tokn'\n")
