# SPDX-License-Identifier: BSD-2-Clause
"""docs/notices.md: its commands are run as they are printed, and its texts
come out of a message as they went in."""

import email
import email.policy
import html
import pathlib
import re
import shlex

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")
NOTICES = dict(re.findall(r"^\| (\w\w) \| (.*) \|$", TEXT, re.M))
COMMANDS = [shlex.split(line)
            for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S)
            for line in block.replace("\\\n", "").splitlines()]
SENDER = "info@example.de"
MESSAGE = (
    "From: a@example.org\nMIME-Version: 1.0\n"
    'Content-Type: multipart/alternative; boundary="b"\n\n'
    "--b\nContent-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: quoted-printable\n\nHello\n"
    "--b\nContent-Type: text/html; charset=iso-8859-1\n\n"
    "<body>Hello</body>\n--b--\n").encode()


def notice(ctl, *args):
    return ctl.json("track", "explain", *args)["notice"]


def test_the_printed_commands_do_what_is_said(db_ctl):
    assert {c[0] for c in COMMANDS} == {"mailtrail"} and len(COMMANDS) == 7
    for command in COMMANDS:
        out, err = db_ctl(*command[1:])
        assert out and err == "", command
    sets = [c for c in COMMANDS if c[2] == "set"]
    assert {c[c.index("--notice") + 1] for c in sets} <= set(NOTICES.values())
    n = NOTICES
    assert notice(db_ctl, "a@example.org", "b@example.net") == n["en"]
    assert notice(db_ctl, SENDER, "b@example.net") == n["de"]
    assert notice(db_ctl, "ventas@example.de", "b@example.net") == n["es"]
    assert notice(db_ctl, SENDER, "b@example.fr", "c@example.fr") == n["fr"]
    assert notice(db_ctl, SENDER, "b@example.cz") == n["cs"]
    assert notice(db_ctl, SENDER, "b@example.cz", "b@example.fr") == n["de"]
    got = db_ctl.json("track", "explain", SENDER, "marie@example.fr")
    assert (got["mode"], got["level"], got["notice_plain"]) == \
        ("anonymous", "domain", "yes")


@pytest.mark.parametrize("language", NOTICES)
def test_every_notice_can_be_a_rules_and_reaches_the_reader(db_ctl, language):
    text = NOTICES[language]
    db_ctl("track", "set", "global", "anonymous", "--notice", text)
    assert notice(db_ctl, SENDER) == text
    done = db_ctl.raw("markup", "--pixel-url", "https://o.example/i/x.gif",
                      "--notice", text, "--notice-plain", "--explain",
                      input=MESSAGE, conf=False)
    assert done.stderr.endswith(b" notice_plain=yes\n")
    plain, marked = email.message_from_bytes(
        done.stdout, policy=email.policy.default).iter_parts()
    assert " ".join(plain.get_content().split()) == f"Hello {text}"
    shown = re.sub(r"<[^>]*>", "", marked.get_content())
    assert html.unescape(shown).strip() == f"Hello{text}"


def test_there_are_the_languages_that_were_promised():
    assert list(NOTICES) == ["en", "de", "fr", "it", "es", "nl", "pl", "pt",
                             "sv", "cs"]
