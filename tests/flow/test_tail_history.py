# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-tail on rspamd's history: in its Redis, and as mailcow's API gives
it on."""

import copy
import http.client
import json
import os
import socket
import time
from datetime import datetime

import pytest

from tests.lib.events import long_queue_id
from tests.lib.mailcow import Mailcow, api_tail
from tests.lib.process import free_port, wait_for
from tests.lib.redis import Redis
from tests.lib.rspamd_plugin import RULES, PluggedRspamd
from tests.lib.tailing import Tail

LOG = "rspamd-history"
PAGE, OVERLAP = 100, 20  # of tail/api.c


@pytest.fixture
def mailcow(own_lab):
    return Mailcow(own_lab)


@pytest.fixture
def rows(root):
    """A page as mailcow's API has it, the newest first."""
    path = root / "tests/data/mailcow/rspamd-history.json"
    return json.loads(path.read_bytes())


def many(rows, n, first=0):
    """n different rows, the newest first."""
    made = []
    for i in range(first + n, first, -1):
        row = copy.deepcopy(rows[i % len(rows)])
        row.update({"message-id": f"many{i}@example.org",
                    "unix_time": 1_795_000_000 + i})
        made.append(row)
    return made


def ids(tail):
    """Message-IDs of different scans."""
    found = {}
    for e in tail.events("scan"):
        found[e["at"], e["twin"]] = e.get("message_id")
    return sorted(filter(None, found.values()))


def wait_saved(tail, n):
    wait_for(lambda: tail.saved()["count"][0] == str(n), 10, "its place")


def test_each_row_is_a_verdict(own_lab, build, mailcow, rows):
    mailcow.page(LOG, "0-99", rows)
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait(len(rows), "scan")
    events = tail.events("scan")
    assert len(events) == len(rows)
    for row, e in zip(rows[::-1], events):  # the oldest first
        assert e["host"] == "mx.example.org" and e["queue_id"] == ""
        assert e["at"] == time.strftime(
            "%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(row["unix_time"]))
        for field, name, nothing in (
                ("message_id", "message-id", "undef"),
                ("user", "user", "unknown"), ("client", "ip", "unknown")):
            assert e.get(field, "") == \
                ("" if row[name] == nothing else row[name])
        assert e.get("sender", "unknown") == row["sender_smtp"]
        assert (e["action"], float(e["score"]), float(e["required"])) == \
            (row["action"], round(row["score"], 3), row["required_score"])
        assert (e["rcpt"], int(e["nrcpt"])) == \
            (row["rcpt_smtp"][0], len(row["rcpt_smtp"]))
        assert int(e["size"]) == row["size"]
        symbols = json.loads(e["symbols"])
        assert {n: s["score"] for n, s in symbols.items()} == \
            {n: s["score"] for n, s in row["symbols"].items()}
        assert {n: s.get("options") for n, s in symbols.items()} == \
            {n: s.get("options") for n, s in row["symbols"].items()}
    # Some have no Message-ID, and are scans all the same.
    assert sum("message_id" not in e for e in events) >= 3
    tail.stop()
    assert " damaged=0 " in tail.log()


def test_what_was_read_before_is_read_once(own_lab, build, mailcow, rows):
    mailcow.page(LOG, "0-99", rows[5:])
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait(len(rows) - 5, "scan")
    wait_saved(tail, len(rows) - 5)
    tail.process.kill()
    mailcow.page(LOG, "0-99", rows[3:])
    tail.start()
    tail.wait(len(rows) - 3, "scan")
    tail.stop()
    # Without its state it makes the same keys.
    os.remove(os.path.join(tail.state, "tail.state"))
    mailcow.page(LOG, "0-99", rows)
    tail.start()
    tail.wait(len(rows), "scan")
    assert "missing" not in tail.log()


def test_pages_of_a_long_history_are_put_together(
        own_lab, build, mailcow, rows):
    long = many(rows, 250)
    step = PAGE - OVERLAP
    # Three came in before the second page was asked for.
    mailcow.page(LOG, "0-99", long[3:103])
    mailcow.page(LOG, f"{step}-{step + 99}", long[step:step + 100])
    have = step + 97
    mailcow.page(LOG, f"{have - OVERLAP}-{have + step - 1}",
                 long[have - OVERLAP:have + step])
    have = 250 - 3
    mailcow.page(LOG, f"{have - OVERLAP}-{have + step - 1}",
                 long[have - OVERLAP:])
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait(247, "scan")
    mailcow.page(LOG, "0-99", long[:100])
    tail.wait(250, "scan")
    assert ids(tail) == sorted(r["message-id"] for r in long)
    assert "missing" not in tail.log()
    assert {s for _, s in mailcow.requests()} == {"200"}


def test_a_history_that_has_moved_on_too_far_is_said(
        own_lab, build, mailcow, rows):
    old, new = many(rows, 40), many(rows, 60, first=400)
    mailcow.page(LOG, "0-99", old)
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait(40, "scan")
    mailcow.page(LOG, f"{60 - OVERLAP}-{60 - OVERLAP + 99}",
                 new[60 - OVERLAP:])
    mailcow.page(LOG, "0-99", new)
    tail.wait_log("<3>mailcow:rspamd-history: what was read last is not in "
                  r"the list any more: lines after 20\d\d-.*Z are missing")
    tail.wait(100, "scan")


def test_an_empty_answer_is_no_empty_history(own_lab, build, mailcow, rows):
    """PHP gives one when it cannot read a row, or rspamd is away."""
    mailcow.page(LOG, "0-99", b"{}")
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    wait_for(lambda: len(mailcow.requests()) >= 2, 10, "two requests")
    assert "empty" not in tail.log()
    mailcow.page(LOG, "0-99", rows[1:])
    tail.wait(len(rows) - 1, "scan")
    mailcow.page(LOG, "0-99", b"{}")
    tail.wait_log("<4>mailcow:rspamd-history: empty, and was not before: .*; "
                  "trying again")
    mailcow.page(LOG, "0-99", rows)
    tail.restart()
    tail.wait(len(rows), "scan")
    assert "missing" not in tail.log()


def test_a_row_that_is_none_costs_no_other(own_lab, build, mailcow, rows):
    rows[3] = {"time": "1795196521", "message": "of another log"}
    rows[4] = None
    rows[5]["score"] = "high"
    mailcow.page(LOG, "0-99", rows)
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait(len(rows) - 3, "scan")
    tail.wait_log("<4>mailcow:rspamd-history: score: missing; leaving the row "
                  "out")
    tail.stop()
    assert " damaged=2 " in tail.log()


def test_an_answer_that_is_too_long_is_said(own_lab, build, mailcow, rows):
    rows[0]["subject"] = "x" * (33 << 20)
    mailcow.page(LOG, "0-99", rows)
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait_log("mailcow:rspamd-history: the answer is too long; trying "
                  "again")
    assert not tail.events("scan")


@pytest.mark.parametrize("answer,said", [
    (b"<html>502 Bad Gateway</html>", "the answer is not JSON: "),
    (b'[{"unix_time":1', "the answer is not JSON: "),
    (b'{"type":"error","msg":"api access denied for ip 198.51.100.7"}',
     "refused: api access denied for ip 198.51.100.7; trying again"),
    (None, "HTTP 404; trying again"),
])
def test_no_history_is_said(own_lab, build, mailcow, answer, said):
    if answer is not None:
        mailcow.page(LOG, "0-99", answer)
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait_log(f"<4>mailcow:rspamd-history: {said}")


def test_a_wrong_key_is_tried_once(own_lab, build, mailcow, rows):
    mailcow.set_key("wrong")
    mailcow.page(LOG, "0-99", rows)
    tail = api_tail(own_lab, build, mailcow, LOG)
    tail.start()
    tail.wait_log("<4>mailcow:rspamd-history: mailcow refuses the key or our "
                  "address: HTTP 401; leaving it alone for some minutes")
    assert [s for _, s in mailcow.requests()] == ["401"]


def test_whom_nothing_is_recorded_of(own_lab, build, mailcow, rows):
    quiet = rows[0]["sender_smtp"]
    rcpt = rows[1]["rcpt_smtp"][0]
    left = [r for r in rows if r["sender_smtp"] != quiet and
            set(r["rcpt_smtp"]) != {rcpt}]
    assert len(left) < len(rows)
    mailcow.page(LOG, "0-99", rows)
    tail = api_tail(own_lab, build, mailcow, LOG,
                    ignore_addresses=f"{quiet} {rcpt}")
    tail.start()
    tail.wait(len(left), "scan")
    tail.stop()
    assert f" ignored={len(rows) - len(left)} " in tail.log()
    texts = json.dumps(tail.events("scan"))
    assert f'"{quiet}"' not in texts and f'"{rcpt}"' not in texts


# A real rspamd with a history in its Redis.

WORKERS = """
history_redis {{ servers = "{socket}"; nrows = 50; compress = {compress}; }}
worker "normal" {{ bind_socket = "127.0.0.1:{normal}"; count = 1; }}
worker "controller" {{
  bind_socket = "127.0.0.1:{controller}";
  secure_ip = "127.0.0.1";
}}
"""

SPAMMY = """
rspamd_config:register_symbol{name = "SPAMMY", type = "normal",
    score = 7.25, callback = function(task)
  if (task:get_subject() or ""):match("spam") then
    return true, 1.0, "first", 'a "quoted" one', "bad \\255 byte"
  end
end}
"""


class Judge:
    """rspamd that keeps a history and has our plugin, which tells of the same
    messages; asked by HTTP as Postfix's milter would."""

    def __init__(self, lab, build, compress=True):
        self.redis = Redis(lab, name="theirs").start()
        self.ports = {name: free_port() for name in ("normal", "controller")}
        self.rspamd = PluggedRspamd(
            lab, build, lua=RULES + SPAMMY,
            modules=("dkim_signing", "history_redis"),
            extra=WORKERS.format(socket=self.redis.socket,
                                 compress=str(compress).lower(),
                                 **self.ports))
        self.key = f"rs_history{socket.gethostname()}" + \
            ("_zst" if compress else "")
        self.rspamd.start()
        wait_for(self.answers, 20, "its workers")

    def answers(self):
        try:
            return all(self.ask(port, "GET", "/ping")
                       for port in self.ports)
        except OSError:
            return False

    def ask(self, port, method, path, body=None, headers=None):
        link = http.client.HTTPConnection("127.0.0.1", self.ports[port],
                                          timeout=20)
        link.request(method, path, body, headers or {})
        answer = link.getresponse()
        text = answer.read()
        link.close()
        assert answer.status == 200, text
        return text

    def judge(self, n, subject="hello", **headers):
        message = (f"Message-ID: <judged{n}@example.org>\r\n"
                   f"From: Bob <bob@example.net>\r\nTo: x@example.org\r\n"
                   f"Subject: {subject} {n}\r\n\r\nHello\r\n")
        self.ask("normal", "POST", "/checkv2", message.encode(), {
            "From": "bob@example.net", "Rcpt": "x@example.org",
            "IP": "198.51.100.7", "Queue-Id": f"4dG2kQ2mz{n:03}zGd4",
            **headers})

    def length(self):
        with self.redis.connect() as c:
            return c.llen(self.key)

    def told(self):
        """What the plugin told, by Message-ID."""
        return {e["message_id"]: e for e in self.rspamd.events("scan")}


@pytest.mark.parametrize("compress", [True, False])
def test_history_and_plugin_say_the_same(own_lab, build, mailcow, compress):
    judge = Judge(own_lab, build, compress)
    tail = Tail(own_lab, build, f"redis:{judge.key}",
                mailcow_redis=f"unix:{judge.redis.socket}",
                mailcow_redis_poll_ms=50)
    tail.start()
    for n in range(20):
        judge.judge(n, "spam" if n % 3 else "hello",
                    **({"User": "bob@example.net"} if n % 2 else {}),
                    **({"IP": "127.0.0.1"} if n % 5 == 0 else {}))
    judge.judge(20, **{"From": "<>"})
    tail.wait(21, "scan")
    told = judge.told()
    assert len(told) == 21
    for e in tail.events("scan"):
        theirs = told[e["message_id"]]
        # Theirs has the microseconds, the queue id and the thresholds.
        assert theirs.pop("at").partition(".")[0] == \
            e.pop("at").partition(".")[0]
        assert theirs.pop("queue_id") != "" and e.pop("queue_id") == ""
        assert theirs.pop("twin") != e.pop("twin")
        assert theirs.pop("thresholds") and "thresholds" not in e
        assert abs(int(theirs.pop("took_ms", 0)) -
                   int(e.pop("took_ms", 0))) < 1000
        symbols = [json.loads(s.pop("symbols")) for s in (e, theirs)]
        assert symbols[0] == symbols[1]
        assert e == theirs
    # By way of the controller and mailcow they are the same scans.
    rows = json.loads(judge.ask("controller", "GET", "/history?from=0&to=99"))
    mailcow.page(LOG, "0-99", rows["rows"])
    other = api_tail(own_lab, build, mailcow, LOG)
    other.start()
    other.wait(21, "scan")
    tail.keys()
    assert other.seen == tail.seen
    assert "damaged=0" in _log_of(tail) and "damaged=0" in _log_of(other)


def _log_of(tail):
    tail.stop()
    return tail.log()


def test_rows_that_rspamd_trimmed_away_are_said_to_be_missing(
        own_lab, build):
    judge = Judge(own_lab, build)
    tail = Tail(own_lab, build, f"redis:{judge.key}",
                mailcow_redis=f"unix:{judge.redis.socket}",
                mailcow_redis_poll_ms=50)
    for n in range(10):
        judge.judge(n)
    tail.start()
    tail.wait(10, "scan")
    wait_saved(tail, 10)
    tail.process.kill()
    for n in range(10, 70):  # of which rspamd keeps 50
        judge.judge(n)
    assert judge.length() == 50
    tail.start()
    tail.wait(60, "scan")
    tail.wait_log(f"<3>redis:{judge.key}: what was read last is not in the "
                  "list any more")


# And what becomes of it.


def micros(text):
    """The time of an event."""
    return round(datetime.fromisoformat(text.replace("Z", "+00:00"))
                 .timestamp() * 1_000_000)


def log_line(at, program, text):
    """As mailcow's syslog-ng pushes it."""
    return json.dumps({"time": str(at), "priority": "info",
                       "program": f"postfix/{program}", "message": text})


def test_the_history_judges_whom_the_log_tells_of(own_lab, build, collecting):
    judge = Judge(own_lab, build)
    judge.judge(1, "spam")
    judge.judge(2)
    told = judge.told()["judged1@example.org"]
    at = micros(told["at"]) // 1_000_000  # as precise as both logs are
    queue_id = long_queue_id(at * 1_000_000, 77)
    with judge.redis.connect() as c:
        for program, text in (
                ("smtpd", "client=mx.example.net[198.51.100.7]"),
                ("cleanup", "message-id=<judged1@example.org>"),
                ("qmgr", "from=<bob@example.net>, size=300, nrcpt=1 "
                         "(queue active)"),
                ("smtp", "to=<x@example.org>, relay=none, delay=1, "
                         "delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"),
                ("qmgr", "removed")):
            c.lpush("POSTFIX_MAILLOG",
                    log_line(at, program, f"{queue_id}: {text}"))
    tail = Tail(own_lab, build, "redis:POSTFIX_MAILLOG",
                f"redis:{judge.key}",
                mailcow_redis=f"unix:{judge.redis.socket}",
                mailcow_redis_poll_ms=50)
    tail.start()
    tail.wait(2, "scan")
    tail.wait(1, "deliver")
    collecting.add(tail.events())
    collecting.start()
    collecting.wait_stored(60)
    # Stored again, it is stored once.
    collecting.add(tail.events("scan"))
    collecting.wait_stored(60)
    assert collecting.query(
        "SELECT queue_id, action, score FROM v_message") == (
            (queue_id, told["action"], pytest.approx(float(told["score"]))),)
    verdicts = collecting.query(
        "SELECT message_id, queue_id, born IS NULL FROM v_scan "
        "ORDER BY message_id")
    assert verdicts == (("judged1@example.org", queue_id, 0),
                        ("judged2@example.org", "", 1))
    # The plugin's own, late: the history's is nobody's then.
    collecting.add([{**told, "queue_id": queue_id, "score": "3.5"}])
    collecting.wait_stored(60)
    assert collecting.query("SELECT score FROM v_message") == ((3.5,),)
    assert collecting.query(
        "SELECT queue_id, score FROM v_scan WHERE born IS NOT NULL") == (
            (queue_id, 3.5),)
