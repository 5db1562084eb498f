# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-tail on mailcow's Redis lists and on its API."""

import json
import os
import re
import time

import pytest

from tests.lib.mailcow import KEY, Mailcow, api_tail
from tests.lib.process import wait_for
from tests.lib.redis import Redis
from tests.lib.tailing import Tail, queue_id

def element(n, at):
    """As mailcow's syslog-ng pushes a line."""
    return json.dumps({"time": str(int(at)), "priority": "info",
                       "program": "postfix/qmgr",
                       "message": f"{queue_id(n)}: removed"}) + "\n"


def elements_of(log):
    """The same of lines of syslog, the oldest first."""
    found = []
    for line in log.decode("utf-8", "replace").splitlines():
        stamp, program, message = re.match(
            r"(\w+ +\d+ [\d:]+) \S+ (\S+?)(?:\[\d+\])?: (.*)", line).groups()
        at = time.mktime(time.strptime(f"2026 {stamp}", "%Y %b %d %H:%M:%S"))
        found.append({"message": message, "priority": "info",
                      "program": program, "time": str(int(at))})
    return found


@pytest.fixture
def their_redis(own_lab):
    """mailcow's: with a password for the default user."""
    redis = Redis(own_lab, name="mailcow").start()
    redis.password_file = os.path.join(redis.directory, "secret")
    with open(redis.password_file, "w", encoding="ascii") as f:
        f.write("redispass\n")
    os.chmod(redis.password_file, 0o600)
    with redis.connect() as c:
        c.config_set("requirepass", "redispass")
    redis.password = "redispass"
    return redis


@pytest.fixture
def tail(own_lab, build, their_redis):
    return Tail(own_lab, build, "redis:POSTFIX_MAILLOG",
                mailcow_redis=f"unix:{their_redis.socket}",
                mailcow_redis_password_file=their_redis.password_file,
                mailcow_redis_poll_ms=50)


def push(redis, first, n, at=None, keep=9999):
    with redis.connect() as c:
        for i in range(first, first + n):
            c.lpush("POSTFIX_MAILLOG", element(i, at or time.time()))
        c.ltrim("POSTFIX_MAILLOG", 0, keep - 1)


def test_a_list_is_read_as_it_grows(tail, their_redis):
    push(their_redis, 0, 700)
    tail.start()
    tail.wait(700)
    push(their_redis, 700, 1)
    tail.wait(701)
    push(their_redis, 701, 3000)
    tail.wait(3701)
    ids = [e["queue_id"] for e in tail.events("queue")]
    assert ids == [queue_id(i) for i in range(3701)]  # oldest first
    assert "missing" not in tail.log()


def test_a_list_is_begun_at_its_end_when_told_so(tail, their_redis):
    tail.configure(**{"from": "end"})
    push(their_redis, 0, 10)
    tail.start()
    wait_for(lambda: "seen" in tail.saved(), 10, "its place")
    push(their_redis, 10, 1)
    tail.wait(1)
    assert tail.events("queue")[0]["queue_id"] == queue_id(10)


def test_a_list_that_was_empty_is_read_from_its_first(tail, their_redis):
    tail.configure(**{"from": "end"})
    tail.start()
    wait_for(lambda: b"cmdstat_lrange" in _stats(their_redis), 10, "a look")
    push(their_redis, 0, 5)
    tail.wait(5)


def _stats(redis):
    with redis.connect() as c:
        return repr(c.info("commandstats")).encode()


def test_equal_lines_of_a_second_are_told_apart(tail, their_redis):
    at = time.time()
    for _ in range(5):
        push(their_redis, 0, 1, at)
    tail.start()
    tail.wait(5)
    for _ in range(3):
        push(their_redis, 0, 1, at)
    tail.wait(8)
    tail.restart(kill=False)
    for _ in range(2):
        push(their_redis, 0, 1, at)
    tail.wait(10)
    tail.restart()
    push(their_redis, 1, 1, at)
    tail.wait(11)


def test_lines_that_were_trimmed_away_are_said_to_be_missing(
        tail, their_redis):
    push(their_redis, 0, 100, keep=100)
    tail.start()
    tail.wait(100)
    tail.process.pause()
    push(their_redis, 100, 250, keep=100)
    tail.process.resume()
    tail.wait(200)
    tail.wait_log("<3>redis:POSTFIX_MAILLOG: what was read last is not in the "
                  r"list any more: lines after 20\d\d-.*Z are missing")
    tail.stop()
    assert int(tail.saved()["count"][8]) == 1
    tail.start()
    push(their_redis, 350, 50, keep=100)
    tail.wait(250)
    assert tail.log().count("are missing") == 1


def test_nothing_is_missing_while_the_list_is_trimmed(tail, their_redis):
    push(their_redis, 0, 50, keep=60)
    tail.start()
    for i in range(40):
        tail.wait(50 + i * 7)
        push(their_redis, 50 + i * 7, 7, keep=60)
        if i % 10 == 5:
            tail.restart()
    tail.wait(50 + 40 * 7)
    assert "missing" not in tail.log()


def test_redis_may_be_away(tail, their_redis):
    push(their_redis, 0, 10)
    tail.start()
    tail.wait(10)
    their_redis.stop()
    tail.wait_log("<4>redis .*; trying again")
    password, their_redis.password = their_redis.password, None
    their_redis.start()
    with their_redis.connect() as c:
        c.config_set("requirepass", password)
    their_redis.password = password
    push(their_redis, 10, 10)
    tail.wait(20)
    tail.wait_log("redis:POSTFIX_MAILLOG: well again")


def test_a_key_of_another_kind_is_said(tail, their_redis):
    with their_redis.connect() as c:
        c.set("POSTFIX_MAILLOG", "text")
    tail.start()
    tail.wait_log("WRONGTYPE .*; trying again")


@pytest.fixture
def mailcow(own_lab):
    return Mailcow(own_lab)


def test_pages_that_moved_meanwhile_are_put_together(
        own_lab, build, mailcow, root):
    with open(root / "tests/data/maillog/own.log", "rb") as f:
        log = f.read()
    rows = elements_of(log)[::-1]
    mailcow.page("postfix", "1-1000", rows[20:1020])
    # Twenty came in before the second page was asked for.
    mailcow.page("postfix", "901-1900", rows[900:])
    tail = api_tail(own_lab, build, mailcow)
    tail.start()
    # Read as one log, the oldest first, it says the same.
    whole = Tail(own_lab, build)
    whole.read_once(b"\n".join(
        json.dumps(r).encode() for r in rows[20:][::-1]) + b"\n")
    whole.keys()
    wait_for(lambda: (tail.keys(), tail.seen)[1] >= whole.seen, 20,
             "every event")
    assert tail.seen == whole.seen and len(whole.seen) > 1000
    # And then the twenty.
    mailcow.page("postfix", "1-1000", rows[:1000])
    rest = Tail(own_lab, build)
    rest.read_once(b"\n".join(
        json.dumps(r).encode() for r in rows[::-1]) + b"\n")
    rest.keys()
    wait_for(lambda: (tail.keys(), tail.seen)[1] >= rest.seen, 20,
             "the rest")
    assert tail.seen == rest.seen
    assert "missing" not in tail.log()
    assert {s for _, s in mailcow.requests()} == {"200"}


def test_null_rows_and_an_empty_object_are_no_lines(
        own_lab, build, mailcow, root):
    mailcow.page("postfix", "1-1000", b"{}")
    tail = api_tail(own_lab, build, mailcow)
    tail.start()
    wait_for(lambda: len(mailcow.requests()) >= 2, 10, "two requests")
    page = (root / "tests/data/mailcow/postfix-nulls.json").read_bytes()
    mailcow.page("postfix", "1-1000", page)
    rows = [r for r in json.loads(page) if r is not None]
    wait_for(lambda: int(tail.saved()["count"][0]) == len(rows), 10,
             "all rows")
    assert len(tail.keys("queue") | tail.keys("deliver")) > 20
    tail.stop()
    assert " damaged=0 " in tail.log()


def test_bans_of_netfilter_are_read(own_lab, build, mailcow, root):
    mailcow.page("netfilter", "1-1000",
                 (root / "tests/data/mailcow/netfilter.json").read_bytes())
    tail = api_tail(own_lab, build, mailcow, "netfilter")
    tail.start()
    wait_for(lambda: tail.events("ban"), 10, "bans")
    assert {e["guard"] for e in tail.events("ban")} == {"netfilter"}
    assert {"ban", "unban", "warning"} & {e["deed"]
                                           for e in tail.events("ban")}


def test_a_wrong_key_is_tried_once_and_then_left_alone(
        own_lab, build, mailcow):
    """mailcow's netfilter would ban us."""
    mailcow.set_key("wrong")
    mailcow.page("postfix", "1-1000", b"[]")
    tail = api_tail(own_lab, build, mailcow)
    tail.start()
    tail.wait_log("<4>mailcow:postfix: mailcow refuses the key or our "
                  "address: HTTP 401; leaving it alone for some minutes")
    other = api_tail(own_lab, build, mailcow)
    mailcow.set_key(KEY)
    other.start()
    # While another asks every second it does not ask at all.
    wait_for(lambda: len(mailcow.requests()) >= 5, 20, "requests")
    assert [s for _, s in mailcow.requests()].count("401") == 1


def test_a_refusal_in_the_answer_is_one_as_well(own_lab, build, mailcow):
    mailcow.page("postfix", "1-1000", json.dumps(
        {"type": "error",
         "msg": "api access denied for ip 198.51.100.7"}).encode())
    tail = api_tail(own_lab, build, mailcow)
    tail.start()
    tail.wait_log("mailcow:postfix: refused: api access denied for ip "
                  "198.51.100.7; trying again")


def test_what_is_no_json_is_said_and_asked_for_again(
        own_lab, build, mailcow):
    mailcow.page("postfix", "1-1000", b"<html>502 Bad Gateway</html>")
    tail = api_tail(own_lab, build, mailcow)
    tail.start()
    tail.wait_log("mailcow:postfix: the answer is not JSON: ")


def test_it_goes_on_where_it_was(own_lab, build, mailcow):
    now = int(time.time())
    rows = [json.loads(element(i, now - 600 + i)) for i in range(50)][::-1]
    mailcow.page("postfix", "1-1000", rows)
    tail = api_tail(own_lab, build, mailcow)
    tail.start()
    tail.wait(50)
    wait_for(lambda: tail.saved()["count"][0] == "50", 10, "its place")
    tail.process.kill()
    more = [json.loads(element(i, now + i)) for i in range(50, 60)][::-1]
    mailcow.page("postfix", "1-1000", more + rows)
    tail.start()
    tail.wait(60)
    assert len([e for e in tail.events("queue")]) <= 62  # the last again
    tail.stop()
    mailcow.page("postfix", "1-1000", [
        json.loads(element(i, now + 100)) for i in range(99, 69, -1)])
    tail.start()
    tail.wait(90)
    tail.wait_log("lines after .*Z are missing")
