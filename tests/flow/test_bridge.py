# SPDX-License-Identifier: BSD-2-Clause
"""The bridge in the Luas that load it: lua5.4, luajit, and rspamd's own."""

import os
import subprocess

import pytest

from tests.lib import spool
from tests.lib.corpus import LARGE, OWN, files
from tests.lib.ctl import Ctl
from tests.lib.process import run
from tests.lib.rspamd_plugin import bridge

SCRIPT = os.path.join(os.path.dirname(__file__), "../lib/bridge.lua")
LUAS = {
    "lua5.4": (["lua5.4", SCRIPT], "lua54"),
    "luajit": (["luajit", SCRIPT], "luajit"),
    # Its interpreter is that of rspamd's workers.
    "rspamadm": (["rspamadm", "lua", "-b", SCRIPT], "luajit"),
}


class Lua:
    def __init__(self, name, build, directory):
        self.argv, abi = LUAS[name]
        self.directory = str(directory)
        self.env = {**os.environ, "MT_BRIDGE": bridge(build, abi),
                    "MT_DIR": self.directory}
        os.mkdir(self.path("spool"))
        run([os.path.join(build, "tests/milter/milter_lab"), "make",
             self.directory])

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def do(self, what):
        """The lines it prints."""
        done = subprocess.run(self.argv, env={**self.env, "MT_DO": what},
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300)
        assert done.returncode == 0 and not done.stderr, \
            done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8").splitlines()

    def events(self):
        return spool.events(self.path("spool"))


@pytest.fixture(params=sorted(LUAS))
def lua(request, build, tmp_path):
    return Lua(request.param, os.fspath(build), tmp_path)


def test_every_event_is_read_back_as_it_was_put(lua):
    wanted = {}
    for line in lua.do("every"):
        event, field, text = line.split("\t")
        wanted.setdefault(event, {"v": "1", "t": event})[field] = text
    assert {"offer", "rcpt", "mark", "open", "scan", "queue"} <= set(wanted)
    found = {e["t"]: e for e in lua.events()}
    assert found == wanted and len(lua.events()) == len(wanted)


def test_the_least_of_every_event_is_enough_and_needed(lua):
    lua.do("least")
    found = lua.events()
    assert {e["host"] for e in found if e["t"] != "open"} == {"mx.example.org"}
    assert all(int(e["twin"]) < 2 ** 32 for e in found if "twin" in e)
    assert len({e["t"] for e in found}) == len(found)


WRONG = {
    'handle:put()': "an event's name is a nil, not a text",
    'handle.put("scan", {})': "not called with a colon on what open() gave",
    'handle:put("scam", {})': "no event is called 'scam'",
    'handle:put("scan")': "scan: is a nil, not a table",
    'handle:put("scan", "text")': "scan: is a string, not a table",
    'scan{bogus = 1}': "scan: nothing is called 'bogus'",
    'scan{[7] = 1}': "scan: nothing is called number",
    'scan{at = "today"}': "scan: at: not a time",
    'scan{at = -5}': "scan: at: no time",
    'scan{at = huge}': "scan: at: no time",
    'scan{at = true}': "scan: at: is a boolean, not a time",
    'scan{score = "much"}': "scan: score: not a number",
    'scan{score = huge - huge}':
        "scan: score: no number of at most twelve digits",
    'scan{nrcpt = 1.5}': "scan: nrcpt: no whole number from 0 on",
    'scan{nrcpt = -1}': "scan: nrcpt: no whole number from 0 on",
    'scan{nrcpt = 1000001}': "scan: nrcpt: larger than 1000000",
    'scan{nrcpt = {}}': "scan: nrcpt: is a table, not a number",
    'scan{direction = "sideways"}': "scan: direction: no such word: 'sideways'",
    'scan{direction = true}': "scan: direction: is a boolean, not a text",
    'scan{client = "localhost"}': "scan: client: not an address",
    'scan{subject = 5}': "scan: subject: is a number, not a text",
    'scan{subject = print}': "scan: subject: is a function, not a text",
    'handle:put_all(5)': "is no list of events",
    'handle:put_all{5}': "event 1: is no table of name and table",
    'handle:put_all{{"scan"}}': "event 1: scan: is a nil, not a table",
    'handle:policy()': "is a nil, not a table",
    'handle:policy({}, 5)': "recipients: is a number, not a list",
    'handle:policy({}, {"a", 5})': "recipients: 2: is no text",
    'handle:policy({}, {}, {false})': "requests: 1: is no text",
    'handle:token()': "no mode that has tokens",
    'handle:token("off")': "no mode that has tokens",
    'handle:mark("x", "y")': "no token of ours",
    'bridge.markup()': "the message is a nil, no text",
    'bridge.markup("x")': "is a nil, not a table",
    'bridge.markup("x", {})': "url: no http or https URL",
    'bridge.markup("x", {url = "ftp://x"})': "url: no http or https URL",
    'bridge.markup("x", {url = "https://x y"})': "url: not printable ASCII",
    'bridge.markup("x", {url = "https://" .. ("x"):rep(800)})':
        "url: longer than 800 bytes",
    'bridge.markup("x", {url = "https://x", notice = "\\255"})':
        "notice: not clean UTF-8 of at most 2000 bytes",
    'bridge.markup("x", {url = "https://x", quoted = true})':
        "quoted: only a handle has keys",
    'bridge.open{bogus = 1}': "nothing is called 'bogus'",
    'bridge.open{spool_dir = "here"}': "spool_dir: not a full path",
    'bridge.open{host = ("x"):rep(256)}': "host: longer than 255 bytes",
    'bridge.open{spool_max = 5, spool_segment = 5}':
        "spool_segment: more than half of spool_max",
    'bridge.open(5)': "is a number, not a table",
    'bridge.open{token_keys = {}}': "token_keys: is a table, not a text",
}


def test_wrong_calls_are_answered_by_name(lua):
    with open(lua.path("wrong"), "w", encoding="utf-8") as f:
        f.writelines(f"{call}\n" for call in WRONG)
    said = dict(zip(WRONG, lua.do("wrong")))
    assert said == {call: f"true\tnil\t{why}" for call, why in WRONG.items()}
    assert not lua.events()


def test_markup_is_the_command_s_byte_for_byte(lua, build):
    ctl = Ctl(build, lua.directory)
    some = [p for p in files(OWN) if p.endswith(".eml")]
    if os.path.isdir(LARGE):
        some += list(files(LARGE))[::29]
    with open(lua.path("list"), "w", encoding="utf-8") as f:
        f.writelines(f"{path}\n" for path in some)
    os.mkdir(lua.path("out"))
    reasons = lua.do("markup")
    for n, (path, reason) in enumerate(zip(some, reasons), 1):
        with open(path, "rb") as f:
            done = ctl.raw(
                "markup", "--pixel-url",
                "https://open.example.org/i/AbCdEf.gif", "--notice",
                "We see it.", "--notice-plain", "--quoted",
                lua.path("token.keys"), "--explain", input=f.read(),
                conf=False)
        with open(lua.path("out", str(n)), "rb") as f:
            assert f.read() == done.stdout, path
        line = done.stderr.decode()
        assert ("markup=done" in line) == (reason == "done")
        assert reason == "done" or f"reason={reason}" in line
    assert reasons.count("done") > 20


def test_the_policy_decides_as_for_the_milter(lua):
    *decisions, made, marked = lua.do("policy")
    assert decisions == [
        "identified domain example.org - - https://open.example.org - - -,-",
        "off recipient never@example.com - - https://open.example.org - - "
        "-,- off,never@example.com",
        "anonymous recipient @anon.example yes - https://open.example.org "
        "- - anonymous,@anon.example",
        "anonymous header - anonymous - https://open.example.org - -",
        "off direction - - - https://open.example.org - -",
        "anonymous mailbox carl@example.org - Carl sees that you read. "
        "https://carl.example/p/ - -",
        "identified mailbox dora@example.org - Dora sees that you read. "
        "https://open.example.org leave yes",
        "identified mailbox dora@example.org - Dora sees that you read. "
        "https://open.example.org leave yes",
    ]
    token, token_id, value = made.split("\t")
    assert len(token) == 34 and value.startswith(f"{token_id}.")
    assert marked == "true\tfalse\tfalse"
