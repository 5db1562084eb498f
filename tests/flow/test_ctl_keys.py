# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail key` and `mailtrail token`."""

import os
import re
import stat
import time

import pytest

from tests.lib.ctl import EX_CONFIG, EX_DATAERR, EX_USAGE

NOT_OURS = "not a token that one of our keys signed"


@pytest.fixture
def keyed(ctl):
    ctl("key", "new")
    return ctl


def path(ctl):
    return ctl.options["token_keys"]


def test_new_makes_a_file_that_strangers_cannot_read(ctl):
    out, _ = ctl("key", "new")
    assert out == f"made {path(ctl)} with one key, which is active\n"
    assert stat.S_IMODE(os.stat(path(ctl)).st_mode) & 0o137 == 0
    [key] = ctl.json("key", "list")
    assert key["state"] == "active" and key["retired"] is None
    before = open(path(ctl), "rb").read()
    ctl.fails(EX_CONFIG, f"mailtrail key new: {path(ctl)}: exists already; "
              "`mailtrail key rotate` adds a key", "key", "new")
    assert open(path(ctl), "rb").read() == before


def test_rotate_signs_anew_and_old_tokens_still_hold(keyed):
    old = keyed("token", "make")[0].strip()
    out, _ = keyed("key", "rotate")
    assert out == f"{path(keyed)}: key 1 is active; 0 old keys dropped\n"
    assert [(k["id"], k["state"]) for k in keyed.json("key", "list")] == \
        [(0, "verifies"), (1, "active")]
    assert keyed.json("token", "check", old)["key"] == 0
    new = keyed("token", "make")[0].strip()
    assert keyed.json("token", "check", new)["key"] == 1
    # Whose last token is older than what is kept goes.
    text = open(path(keyed)).read()
    assert text.count("\n") >= 2
    year = str(time.gmtime().tm_year)
    with open(path(keyed), "w") as f:
        f.write(text.replace(f" {year}-", f" {int(year) - 2}-"))
    assert "1 old key dropped" in keyed("key", "rotate", "--keep-days",
                                        "365")[0]
    assert keyed.fails(EX_DATAERR,
                       f"mailtrail token check: '{old}': {NOT_OURS}",
                       "token", "check", old)
    keyed.fails(EX_USAGE, "mailtrail key rotate: --keep-days: 'x' is not a "
                "number up to 36500", "key", "rotate", "--keep-days", "x")


def test_list_is_aligned_and_has_no_secret(keyed):
    keyed("key", "rotate")
    secrets = re.findall(r"[A-Za-z0-9+/]{43}=", open(path(keyed)).read())
    assert len(secrets) == 2
    for args in (["--json"], []):
        out = keyed("key", "list", *args)[0]
        assert not any(s in out for s in secrets)
    lines = out.splitlines()
    assert lines[0].split() == ["id", "state", "created", "retired"]
    assert len({line.index("20") for line in lines[1:]}) == 1


@pytest.mark.parametrize("break_it, message", [
    (lambda p: os.unlink(p), ": no such file; `mailtrail key new` makes it"),
    (lambda p: os.chmod(p, 0o644), ""),
    (lambda p: open(p, "w").write("garbage\n"), ":1: "),
    (lambda p: open(p, "w").write(""), ""),
    (lambda p: (os.unlink(p), os.mkdir(p)), ""),
])
def test_bad_key_files_are_refused_by_name(keyed, break_it, message):
    break_it(path(keyed))
    for args in (["key", "list"], ["token", "make"], ["token", "check", "x"],
                 ["key", "rotate"]):
        done = keyed.raw(*args)
        assert done.returncode == EX_CONFIG, done
        said = done.stderr.decode().splitlines()[0]
        assert said.startswith(f"mailtrail {' '.join(args[:2])}: "
                               f"{path(keyed)}{message}"), said
        assert done.stdout == b""


@pytest.mark.parametrize("mode", ["anonymous", "pseudonymous", "identified"])
def test_a_token_says_what_it_is(keyed, mode):
    keyed.set(pixel_url="https://open.example.org/")
    made = keyed.json("token", "make", "--mode", mode)
    assert re.fullmatch(r"[A-Za-z0-9_-]{34}", made["token"])
    assert made["mode"] == mode
    assert made["url"] == \
        f"https://open.example.org/i/{made['token']}.gif"
    for text in (made["token"], made["url"]):
        assert keyed.json("token", "check", text) == made
    assert keyed("token", "check", made["token"])[0] == \
        f"good id={made['id']} mode={mode} key=0\n"


def test_make_prints_a_token_or_its_url(keyed):
    assert re.fullmatch(r"[A-Za-z0-9_-]{34}\n", keyed("token", "make")[0])
    keyed.fails(EX_CONFIG, "mailtrail token make: --url: the option "
                "pixel_url is not set", "token", "make", "--url")
    keyed.set(pixel_url="https://o.example")
    assert re.fullmatch(r"https://o\.example/i/[A-Za-z0-9_-]{34}\.gif\n",
                        keyed("token", "make", "--url")[0])
    for mode in ("off", "all", ""):
        keyed.fails(EX_USAGE, f"mailtrail token make: --mode: '{mode}' is "
                    "none of anonymous, pseudonymous, identified",
                    "token", "make", "--mode", mode)


def test_every_changed_letter_is_noticed(keyed):
    token = keyed("token", "make")[0].strip()
    for i in range(0, 34, 3):
        other = token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1:]
        keyed.fails(EX_DATAERR,
                    f"mailtrail token check: '{other}': {NOT_OURS}",
                    "token", "check", other)


@pytest.mark.parametrize("text, shown", [
    ("", "''"), ("x", "'x'"), ("A" * 34, f"'{'A' * 34}'"),
    ("/", "''"), ("\x1b[2J", r"'\x1b[2J'"), (".gif", "'.gif'"),
])
def test_garbage_is_no_token(keyed, text, shown):
    keyed.fails(EX_DATAERR, f"mailtrail token check: {shown}: {NOT_OURS}",
                "token", "check", text)
