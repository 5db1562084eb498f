# SPDX-License-Identifier: BSD-2-Clause
"""What all subcommands do alike: help, version, bad usage, options."""

import os
import pty
import re
import subprocess

import pytest

from tests.lib.ctl import EX_CONFIG, EX_IOERR, EX_TEMPFAIL, EX_USAGE

COMMANDS = [
    "dead drop", "dead list", "dead replay", "dead show", "doctor",
    "feed", "import", "key list", "key new", "key rotate", "markup", "prune",
    "schema check", "schema migrate", "schema status", "spool status",
    "token check", "token make", "track build", "track explain",
    "track set", "track show", "track unset", "trail",
]
GROUPS = ["dead", "key", "schema", "spool", "token", "track"]


def listed(ctl, *words):
    """The commands that --help lists."""
    text = ctl(*words, "--help")[0].split("\nCommands:\n")[1]
    return re.findall(r"^  (\w+) ", text, re.M)


def test_every_command_is_listed_and_none_is_forgotten_here(ctl):
    found = []
    for name in listed(ctl):
        found += [f"{name} {sub}" for sub in listed(ctl, name)] \
            if name in GROUPS else [name]
    assert sorted(found) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS + GROUPS)
def test_help_and_version(ctl, root, command):
    words = command.split()
    for flag in ("--help", "-h"):
        out, err = ctl(*words, flag, conf=False)
        assert out.startswith(f"mailtrail {command}: ")
        assert f"\nusage: mailtrail {command}" in out
        assert "--config FILE" in out and err == ""
        assert max(map(len, out.splitlines()[4:])) <= 79
    release = (root / "VERSION").read_text().strip()
    for flag in ("--version", "-V"):
        assert ctl(*words, flag)[0].startswith(f"mailtrail {release}")


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_options_are_named(ctl, command):
    words = command.split()
    # Mail must not bounce for it.
    code = EX_TEMPFAIL if command == "feed" else EX_USAGE
    said = ctl.fails(code,
                     f"mailtrail {command}: unknown option '--nosuch'",
                     *words, "--nosuch")
    assert said[1].startswith(f"usage: mailtrail {command}")
    assert said[2] == f"Try 'mailtrail {command} --help'."
    ctl.fails(code, f"mailtrail {command}: unknown option '-x'",
              *words, "-x")
    ctl.fails(code, f"mailtrail {command}: unknown option '--hlep'; "
              "did you mean '--help'?", *words, "--hlep")
    ctl.fails(code, f"mailtrail {command}: option '--config' needs a "
              "value", *words, "--config")
    ctl.fails(code, f"mailtrail {command}: option '--help' takes no "
              "value", *words, "--help=x")


@pytest.mark.parametrize("args, message", [
    ((), "mailtrail: which command?"),
    (("trial", "x"), "mailtrail: unknown command 'trial'; did you mean "
     "'trail'?"),
    (("doct",), "mailtrail: unknown command 'doct'; did you mean 'doctor'?"),
    (("xyzzy",), "mailtrail: unknown command 'xyzzy'"),
    (("x\x1b[31m",), r"mailtrail: unknown command 'x\x1b[31m'"),
    (("key",), "mailtrail key: which command?"),
    (("key", "rotat"), "mailtrail key: unknown command 'rotat'; did you "
     "mean 'rotate'?"),
    (("trail",), "mailtrail trail: which message?"),
    (("trail", "a", "b"), "mailtrail trail: unexpected argument 'b'"),
    (("key", "list", "x"), "mailtrail key list: unexpected argument 'x'"),
    (("trail", "a", "--limit", "-1"),
     "mailtrail trail: --limit: '-1' is not a number up to 10000"),
    (("trail", "a", "--limit", "10001"),
     "mailtrail trail: --limit: '10001' is not a number up to 10000"),
])
def test_bad_usage(ctl, args, message):
    ctl.fails(EX_USAGE, message, *args)


@pytest.mark.parametrize("text, message", [
    ("host = a\ntokn = 1\n", "2: unknown option 'tokn'"),
    ("host\n", "1: not of the form name = value"),
    ("keep_days = many\n", "1: keep_days: "),
])
def test_bad_option_files_are_refused_by_line(ctl, tmp_path, text, message):
    conf = tmp_path / "bad.conf"
    conf.write_text(text)
    for words in (["key", "list"], ["-t"], ["--check"]):
        done = ctl.raw("-c", conf, *words)
        assert done.returncode == EX_CONFIG
        assert f": {conf}:{message}" in done.stderr.decode()
    # A command that needs no options does not read them.
    assert ctl.raw("-c", conf, "markup", "--pixel-url",
                   "https://x.example/").returncode == 0


def test_options_are_printed_like_the_daemons_do(ctl, tmp_path):
    defaults = ctl("-d", conf=False)[0]
    again = tmp_path / "again.conf"
    again.write_text("".join(line + "\n" for line in defaults.splitlines()
                             if not line.endswith("=")))
    assert ctl("-c", again, "-n", conf=False) == ("", "")
    assert ctl("-n", "-o", "keep_days=7", conf=False)[0] == "keep_days = 7\n"
    assert ctl("-t")[0] == "mailtrail: configuration is good\n"
    sample = tmp_path / "sample.conf"
    sample.write_text(ctl("--sample", conf=False)[0])
    assert ctl("-c", sample, "-n", conf=False) == ("", "")
    ctl.fails(EX_CONFIG, "mailtrail: -o tokn=1: unknown option 'tokn'",
              "-o", "tokn=1", "-t", conf=False)
    ctl.fails(EX_CONFIG,
              "mailtrail key list: /nowhere/x.conf: No such file or "
              "directory", "key", "list", "-c", "/nowhere/x.conf")


def test_options_may_stand_on_either_side_of_the_command(ctl):
    keys = os.path.join(ctl.directory, "other.keys")
    ctl("-o", f"token_keys={keys}", "key", "new")
    assert len(ctl.json("key", "list", "-o", f"token_keys={keys}")) == 1


def test_a_full_disk_is_an_error(ctl):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ctl.program, "--help"], stdout=full,
                              stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == EX_IOERR
    assert done.stderr == (b"mailtrail: standard output: "
                           b"No space left on device\n")


def in_terminal(argv, **env):
    """What a program writes to a terminal."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(argv, stdout=follower, stdin=follower,
                            stderr=follower,
                            env={**os.environ, "TERM": "xterm", **env})
    os.close(follower)
    text = b""
    try:
        while chunk := os.read(leader, 4096):
            text += chunk
    except OSError:
        pass  # the other side is closed
    os.close(leader)
    assert done.wait(20) == 0
    return text


def test_colours_are_for_terminals_only(ctl):
    ctl("key", "new")
    argv = [ctl.program, "-c", ctl.conf, "key", "list"]
    env = {"NO_COLOR": ""}
    assert b"\x1b[32mactive\x1b[0m" in in_terminal(argv, **env)
    assert b"\x1b" not in in_terminal(argv, NO_COLOR="1")
    assert b"\x1b" not in in_terminal(argv, TERM="dumb", **env)
    assert "\x1b" not in ctl("key", "list")[0]


@pytest.mark.parametrize("line, words", [
    ("mailtrail tr", {"track", "trail"}),
    ("mailtrail -c /etc/x key ro", {"rotate"}),
    ("mailtrail key list --js", {"--json"}),
    ("mailtrail doctor --post", {"--postfix-config"}),
])
def test_bash_completes_commands_and_options(ctl, tmp_path, line, words):
    script = tmp_path / "completion"
    script.write_text(ctl("--completion")[0])
    parts = line.split(" ")
    quoted = " ".join(f"'{p}'" for p in parts)
    done = subprocess.run(
        ["bash", "-c", f"source {script}; COMP_WORDS=({quoted}); "
         f"COMP_CWORD={len(parts) - 1}; _mailtrail; "
         "printf '%s\\n' \"${COMPREPLY[@]}\""],
        capture_output=True, text=True, timeout=20)
    assert (set(done.stdout.split()), done.stderr) == (words, "")
