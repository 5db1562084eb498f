# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail dead` and `mailtrail spool status`."""

import os

import pytest

from tests.lib.ctl import (EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE,
                           EX_USAGE)
from tests.lib.redis import Redis

AT = "2026-11-20T16:41:37.123456Z"


@pytest.fixture
def dead(ctl, redis, stream):
    ctl.set(redis=f"unix:{redis.socket}", redis_stream=stream)
    with redis.connect() as c:
        ctl.stream, ctl.client = stream, c
        yield ctl


def bury(ctl, n=1, client=None, **fields):
    """Dead letters as the collector leaves them; their ids."""
    return [(client or ctl.client).xadd(f"{ctl.stream}:dead", {
        "dead_at": AT, "dead_reason": "open: version 9 is newer than ours "
        "(1)", "dead_id": f"5-{i}", "v": "9", "t": "open",
        "host": f"h{i}", **fields}) for i in range(n)]


def test_no_dead_letters(dead):
    assert dead("dead", "list") == ("no dead letters\n", "")
    assert dead.json("dead", "list") == []


def test_list_shows_the_oldest_and_says_how_many_more(dead):
    ids = bury(dead, 25)
    lines = dead("dead", "list")[0].splitlines()
    assert lines[0].split() == ["id", "at", "event", "reason", "endpoint"]
    assert [line.split()[0] for line in lines[1:-1]] == ids[:20]
    assert lines[1].split()[1:3] == [AT, "open"]
    assert "open: version 9 is newer than ours (1)" in lines[1]
    assert lines[-1] == "5 more; see --limit"
    assert [d["id"] for d in dead.json("dead", "list", "-l", "100")] == ids
    assert dead("dead", "list", "-l", "0")[0] == "25 more; see --limit\n"


def test_show_has_every_field(dead):
    [number] = bury(dead, subject="\x1b[31mred", raw=b"\xff\x00")
    shown = dead.json("dead", "show", number)
    assert shown == {
        "id": number, "endpoint": dead.options["redis"], "at": AT,
        "reason": "open: version 9 is newer than ours (1)", "from": "5-0",
        "fields": {"v": "9", "t": "open", "host": "h0",
                   "subject": "\x1b[31mred", "raw": r"\xff\x00"}}
    out, _ = dead("dead", "show", number)
    assert "\x1b" not in out
    rows = dict(line.split(None, 1) for line in out.splitlines())
    assert rows["subject"] == r"\x1b[31mred"
    assert rows["raw"] == r"\xff\x00"


def test_replay_puts_the_original_back(dead):
    first, second, third = bury(dead, 3)
    assert dead("dead", "replay", first)[0] == "replayed 1 dead letter\n"
    [(_, fields)] = dead.client.xrange(dead.stream)
    assert fields == {"v": "9", "t": "open", "host": "h0"}
    assert dead("dead", "replay", "--all")[0] == "replayed 2 dead letters\n"
    assert dead.client.xlen(dead.stream) == 3
    assert dead.client.xlen(f"{dead.stream}:dead") == 0
    assert dead("dead", "replay", "--all")[0] == "replayed 0 dead letters\n"


def test_drop_throws_away(dead):
    first, second, third = bury(dead, 3)
    assert dead("dead", "drop", first, third)[0] == \
        "dropped 2 dead letters\n"
    assert [d["id"] for d in dead.json("dead", "list")] == [second]
    bury(dead, 250)
    assert dead("dead", "drop", "--all")[0] == "dropped 251 dead letters\n"
    assert dead.client.xlen(dead.stream) == 0


@pytest.mark.parametrize("args, message", [
    (["show", "x"], "show: 'x' is not an id such as 1763650000000-0"),
    (["show", "1-"], "show: '1-' is not an id such as 1763650000000-0"),
    (["replay"], "replay: either ids or --all must be given"),
    (["drop", "1-1", "--all"], "drop: either ids or --all must be given"),
    (["list", "--endpoint", "unix:/x"],
     "list: --endpoint: 'unix:/x' is none of the option redis"),
])
def test_bad_usage(dead, args, message):
    dead.fails(EX_USAGE, f"mailtrail dead {message}", "dead", *args)


def test_an_id_that_is_not_there(dead):
    for verb in ("show", "replay", "drop"):
        dead.fails(EX_UNAVAILABLE,
                   f"mailtrail dead {verb}: 1-1: no dead letter of that id",
                   "dead", verb, "1-1")


def test_what_was_done_before_an_error_is_said(dead):
    [first] = bury(dead)
    done = dead.raw("dead", "drop", first, "1-1")
    assert (done.returncode, done.stdout) == (EX_UNAVAILABLE,
                                              b"dropped 1 dead letter\n")


def test_a_stream_of_another_type_is_named(dead):
    dead.client.set(f"{dead.stream}:dead", "x")
    done = dead.raw("dead", "list")
    assert done.returncode == EX_CONFIG
    assert b"WRONGTYPE" in done.stderr


def test_redis_away(ctl):
    done = ctl.raw("dead", "list")
    assert (done.returncode, done.stdout) == (EX_TEMPFAIL, b"")
    assert done.stderr.decode() == (
        f"mailtrail dead list: redis {ctl.options['redis']}: No such file "
        "or directory\n")
    ctl.set(redis="nonsense")
    ctl.fails(EX_CONFIG, "mailtrail dead list: redis: 'nonsense': not "
              "unix:/PATH or HOST:PORT", "dead", "list")


def test_an_acl_user_with_its_password_file(ctl, own_lab):
    server = Redis(own_lab, user="mailtrail", password="s3cret").start()
    ctl.set(redis=f"unix:{server.socket}", redis_user="mailtrail",
            redis_password_file=server.password_file)
    ctl.stream = "mailtrail:events"
    with server.connect() as c:
        bury(ctl, client=c)
    assert len(ctl.json("dead", "list")) == 1
    wrong = os.path.join(ctl.directory, "wrong")
    with open(wrong, "w") as f:
        f.write("guess\n")
    os.chmod(wrong, 0o600)
    ctl.set(redis_password_file=wrong)
    assert ctl.raw("dead", "list").returncode == EX_CONFIG
    os.chmod(wrong, 0o644)
    done = ctl.raw("dead", "list")
    assert done.returncode == EX_CONFIG
    assert done.stderr.decode().startswith(
        f"mailtrail dead list: redis_password_file: {wrong}: ")


def test_two_endpoints(ctl, own_lab, redis, stream):
    other = Redis(own_lab).start()
    ctl.stream = stream
    ctl.set(redis=f"unix:{redis.socket} unix:{other.socket}",
            redis_stream=stream)
    with redis.connect() as a, other.connect() as b:
        [first] = bury(ctl, client=a)
        b.xadd(f"{stream}:dead", {"dead_at": AT, "dead_reason": "x",
                                  "dead_id": "-", "dead_raw": "y"}, id=first)
        assert [d["endpoint"] for d in ctl.json("dead", "list")] == \
            ctl.options["redis"].split()
        ctl.fails(EX_CONFIG,
                  f"mailtrail dead show: {first}: both unix:{redis.socket} "
                  f"and unix:{other.socket} have one of that id; say "
                  "--endpoint", "dead", "show", first)
        shown = ctl.json("dead", "show", first, "--endpoint",
                         f"unix:{other.socket}")
        assert shown["fields"] == {"dead_raw": "y"} and \
            shown["from"] == "-"


def test_spool_status_of_an_empty_spool(ctl):
    os.mkdir(ctl.options["spool_dir"])
    status = ctl.json("spool", "status")
    assert status["segments"] == 0 and status["bytes"] == 0
    assert status["endpoints"] == [] and status["shipped_at"] is None
    assert status["lost"] == {"records": 0, "bytes": 0, "at": None,
                              "why": None}
    assert "segments=0" in ctl("spool", "status")[0]


def test_spool_status_counts_what_is_not_ours(ctl):
    spool = ctl.options["spool_dir"]
    os.mkdir(spool)
    for name, data in (("0000000000000001.seg", b"garbage" * 20),
                       ("notes.txt", b"x"), ("lost", b"short")):
        with open(os.path.join(spool, name), "wb") as f:
            f.write(data)
    status = ctl.json("spool", "status")
    assert (status["segments"], status["damaged"], status["strange"]) == \
        (1, 1, 1)
    assert status["bytes"] == 140 and status["lost"]["records"] == 0


def test_spool_status_without_a_spool(ctl):
    ctl.fails(EX_UNAVAILABLE, "mailtrail spool status: spool: "
              f"{ctl.options['spool_dir']}: No such file or directory",
              "spool", "status")
