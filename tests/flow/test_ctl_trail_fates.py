# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail trail` of what the log, rspamd and later reports said: from fixed
events, through a real collector and MariaDB."""

import datetime
import json
import pathlib

import pytest

from bench import history
from bench.rows import view
from tests.lib import events as ev
from tests.lib.ctl import Ctl

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "trail"
S = 1_000_000
HOST, FAR = "mx1.example.org", "mx2.example.org"
BOB, CAROL, DAVE = "bob@example.com", "carol@example.com", "dave@example.net"
# 2026-11-05 12:00:00 UTC
START = 1793880000 * S


def at(seconds):
    """As text, of START."""
    return ev.text_time(START + int(seconds * S))


def long_id(seconds, inode=7):
    return ev.long_queue_id(START + int(seconds * S), inode)


class Log:
    """Events of one mail host by the second, with lines of their own."""

    def __init__(self, host=HOST):
        self.host, self.line, self.events = host, 0, []

    def _next(self):
        self.line += 1
        return self.line

    def queue(self, s, queue_id, step, **fields):
        self.events.append(ev.queue(START + int(s * S), self.host, queue_id,
                                    step, self._next(), **fields))
        return self

    def deliver(self, s, queue_id, rcpt, outcome="sent", **fields):
        self.events.append(ev.deliver(START + int(s * S), self.host, queue_id,
                                      rcpt, outcome, self._next(), **fields))
        return self

    def reject(self, s, **fields):
        self.events.append(ev.reject(START + int(s * S), self.host,
                                     self._next(), **fields))
        return self

    def scan(self, s, queue_id, action="no action", **fields):
        self.events.append(ev.scan(START + int(s * S), self.host, queue_id,
                                   action, **fields))
        return self

    def offer(self, s, queue_id, *rcpts, **fields):
        t = START + int(s * S)
        self.events.append(ev.offer(t, self.host, queue_id, nrcpt=len(rcpts),
                                    **fields))
        self.events += [ev.rcpt(t, self.host, queue_id, r) for r in rcpts]
        return self

    def notice(self, s, queue_id, kind, ordinal=1, **fields):
        self.events.append(ev.event(
            "notice", at=ev.text_time(START + int(s * S)), host=self.host,
            report="0123456789abcdef" * 2, ordinal=ordinal, kind=kind,
            queue_id=queue_id, **fields))
        return self

    def note(self, s, queue_id, tag, text):
        self.events.append(ev.event(
            "line", at=ev.text_time(START + int(s * S)), host=self.host,
            queue_id=queue_id, line=self._next(), tag=tag, text=text))
        return self


class Told:
    """A collector's database, and the command that asks it."""

    def __init__(self, collecting, tmp_path, build):
        self.c = collecting
        self.ctl = Ctl(build, tmp_path, db_name=collecting.database,
                       db_socket=collecting.mariadb.socket, db_user="root")
        self.ctl.set(keep_days="36500")

    def store(self, *logs):
        self.c.add([e for log in logs for e in log.events])
        self.c.start()
        self.c.wait_stored()
        assert self.c.dead() == []

    def text(self, *args):
        out, err = self.ctl("trail", *args)
        assert err == ""
        return out

    def json(self, *args, **kwargs):
        return self.ctl.json("trail", "-d", "36500", *args, **kwargs)


@pytest.fixture
def told(collecting, tmp_path, build):
    return Told(collecting, tmp_path, build)


SYMBOLS = json.dumps({
    "BAYES_SPAM": {"score": 5.1, "options": ["99%"]}, "R_SPF_ALLOW":
    {"score": -0.2}, "DKIM_SIGNED": {"score": 0.0}, "": {"symbols_cut": 3}})


def fates():
    """One message to three, of whom one bounces after a try, one has an
    alias; a spam verdict that lets it pass; a report afterwards."""
    one = long_id(0)
    log = Log().queue(
        0.1, one, "client", client="192.0.2.7", client_name="c.example.org",
        user="alice").offer(
        0.5, one, BOB, CAROL, "all@example.org", message_id="1@example.org",
        subject="Hello", mode="off", level="none", reason="off",
        client="192.0.2.7", client_name="c.example.org").scan(
        0.6, one, "add header", score="4.9", symbols=SYMBOLS,
        thresholds='{"reject":15}').queue(
        0.7, one, "message_id", message_id="1@example.org").queue(
        0.8, one, "active", sender="alice@example.org", size=1234,
        nrcpt=3).deliver(
        1, one, BOB, "deferred", dsn="4.4.1", relay="none", delay=900,
        text="connect to mx.example.com[192.0.2.9]:25: "
        "Connection timed out").deliver(
        1.1, one, CAROL, relay="mx.example.com[192.0.2.8]:25",
        relay_name="mx.example.com", dsn="2.0.0", delay=1000,
        next="4ZZZZ", text="250 2.0.0 Ok: queued as 4ZZZZ").deliver(
        1.2, one, DAVE, orig_to="all@example.org", dsn="2.0.0",
        relay="local", delay=1100, text="delivered to maildir").queue(
        300, one, "active", sender="alice@example.org", size=1234,
        nrcpt=1).deliver(
        301, one, BOB, "bounced", dsn="5.1.1", delay=301000,
        relay="mx.example.com[192.0.2.9]:25", relay_name="mx.example.com",
        text="host mx.example.com[192.0.2.9] said: 550 5.1.1 "
        "<bob@example.com>: Recipient address rejected: User unknown in "
        "virtual mailbox table (in reply to RCPT TO command)").queue(
        302, one, "notified_failure", other=long_id(301.5)).queue(
        303, one, "removed").notice(
        7200, one, "complaint", rcpt=CAROL, reporter="fbl.example.com").note(
        303, one, "postfix/qmgr[7]", f"{one}: removed")
    return [log], one


def hops():
    """Through a content filter on the host, with short queue ids, on to
    another host of ours, which bounces it: three messages and a notice."""
    here, there = Log(), Log(FAR)
    mail = {"message_id": "2@example.org"}
    here.queue(0, "A1B2C3D4E5", "client", client="192.0.2.7").queue(
        0.1, "A1B2C3D4E5", "message_id", **mail).queue(
        0.2, "A1B2C3D4E5", "active", sender="alice@example.org", size=100,
        nrcpt=1).deliver(
        2, "A1B2C3D4E5", BOB, relay="127.0.0.1[127.0.0.1]:10024",
        relay_name="127.0.0.1", dsn="2.0.0", delay=2000, next="B1B2C3D4E5",
        text="250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: "
        "queued as B1B2C3D4E5").queue(2, "A1B2C3D4E5", "removed")
    here.queue(1, "B1B2C3D4E5", "client", client="127.0.0.1",
               client_name="localhost", other="A1B2C3D4E5").queue(
        1.1, "B1B2C3D4E5", "message_id", **mail).queue(
        1.2, "B1B2C3D4E5", "active", sender="alice@example.org", size=200,
        nrcpt=1).deliver(
        4, "B1B2C3D4E5", BOB, relay="mx2.example.org[192.0.2.2]:25",
        relay_name=FAR, dsn="2.0.0", delay=3000, next="C1B2C3D4E5",
        text="250 2.0.0 Ok: queued as C1B2C3D4E5").queue(
        4, "B1B2C3D4E5", "removed")
    there.queue(3, "C1B2C3D4E5", "client", client="192.0.2.1",
                client_name=HOST).queue(
        3.1, "C1B2C3D4E5", "message_id", **mail).queue(
        3.2, "C1B2C3D4E5", "active", sender="alice@example.org", size=300,
        nrcpt=1).deliver(
        5, "C1B2C3D4E5", BOB, "bounced", dsn="5.1.1", relay="local",
        delay=2000, text='unknown user: "bob"').queue(
        5, "C1B2C3D4E5", "notified_failure", other="D1B2C3D4E5").queue(
        5, "C1B2C3D4E5", "removed")
    there.queue(5, "D1B2C3D4E5", "message_id",
                message_id="3@mx2.example.org").queue(
        5.1, "D1B2C3D4E5", "active", sender="", size=2000, nrcpt=1).deliver(
        6, "D1B2C3D4E5", "alice@example.org", dsn="2.0.0",
        relay="mx1.example.org[192.0.2.1]:25", relay_name=HOST,
        next="E1B2C3D4E5", text="250 2.0.0 Ok: queued as E1B2C3D4E5").queue(
        6, "D1B2C3D4E5", "removed")
    # Of another life of the second id, a day ago, and on another host.
    for log, s, queue_id in ((here, -86400, "B1B2C3D4E5"),
                             (there, 2, "B1B2C3D4E5")):
        log.queue(s, queue_id, "client", client="192.0.2.77").deliver(
            s + 1, queue_id, "other@example.net").queue(
            s + 2, queue_id, "removed")
    return [here, there], "A1B2C3D4E5"


FATES = {"fates": fates, "hops": hops}


def golden(name):
    return (DATA / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("fate", FATES)
def test_the_whole_trail(told, fate):
    """Both outputs, as tests/data/trail has them."""
    logs, queue_id = FATES[fate]()
    told.store(*logs)
    assert told.text(queue_id, "--lines") == golden(f"{fate}.txt")
    assert told.json(queue_id, "--lines") == json.loads(
        golden(f"{fate}.json"))


def members(trail):
    return [(m["queue_id"], m["host"], m["tie"], m["direction"],
             m["of"]["queue_id"], "perhaps" in m) for m in trail["chain"]]


def test_a_chain_is_the_same_from_each_of_its_ends(told):
    logs, first = hops()
    told.store(*logs)
    b, c, d = "B1B2C3D4E5", "C1B2C3D4E5", "D1B2C3D4E5"
    [from_first] = told.json(first)
    assert [r["final"] for r in from_first["to"]] == ["bounced"]
    assert (from_first["status"], from_first["final"]) == \
        ("delivered", "bounced")
    [from_notice] = told.json(d)
    assert members(from_notice) == [
        (first, HOST, "reinjected", "backward", b, False),
        (b, HOST, "queued_as", "backward", c, False),
        (c, FAR, "notification", "backward", d, False)]
    assert from_notice["final"] == "delivered"
    [from_third] = told.json(c)
    assert {m["queue_id"] for m in from_third["chain"]} == {first, b, d}
    assert from_third["final"] == "bounced"


def goes_on(n, other_host=FAR, message_id=None, of=None, s=3, more=()):
    """The n-th that goes on under a short id, and what has that id."""
    here, there = Log(), Log(other_host)
    here.queue(0, f"AAAAA{n}", "client").queue(
        0.1, f"AAAAA{n}", "message_id", message_id=of).deliver(
        4, f"AAAAA{n}", BOB, relay=f"{FAR}[192.0.2.2]:25", relay_name=FAR,
        next=f"BBBBB{n}").queue(4, f"AAAAA{n}", "removed")
    for start in (s, *more):
        there.queue(start, f"BBBBB{n}", "client").queue(
            start + 0.1, f"BBBBB{n}", "message_id", message_id=message_id)
        there.deliver(start + 2, f"BBBBB{n}", BOB, "bounced").queue(
            start + 3, f"BBBBB{n}", "removed")
    return [here, there]


IMPOSSIBLE = "no candidate"
CANDIDATES = [
    ({}, None),
    ({"of": "1@e", "message_id": "1@e", "other_host": "mx9.example"}, None),
    ({"other_host": "mx9.example"},
     "the log names no host that is its own, and short queue ids are used "
     "again"),
    ({"of": "1@e", "message_id": "2@e"}, "its Message-ID is another"),
    ({"s": 60}, "its time does not fit well"),
    ({"more": [7]}, None),
    ({"s": 1, "more": [5]}, "more than one fits"),
    ({"s": 3600}, IMPOSSIBLE),
    ({"other_host": "mx9.example", "of": "1@e", "message_id": "2@e"},
     IMPOSSIBLE),
]


def test_a_short_id_is_taken_for_a_message_only_when_sure(told):
    logs = [goes_on(n, **given) for n, (given, _) in enumerate(CANDIDATES)]
    told.store(*[log for pair in logs for log in pair])
    for n, (_, perhaps) in enumerate(CANDIDATES):
        [trail] = told.json(f"AAAAA{n}")
        found = [m.get("perhaps") for m in trail["chain"]] or [IMPOSSIBLE]
        assert set(found) == {perhaps}, n
        assert trail["final"] == ("delivered" if perhaps else "bounced"), n
        assert ("goes on" in told.text(f"AAAAA{n}")) == (perhaps is None), n


def test_a_long_id_is_enough(told):
    log, far = Log(), Log("far.example")
    one, two = long_id(0), long_id(3)
    log.queue(0, one, "client").deliver(
        4, one, BOB, relay="lb.example[192.0.2.2]:25",
        relay_name="lb.example", next=two)
    far.queue(3, two, "client").deliver(5, two, "bob@far.example", "deferred",
                                        orig_to=BOB)
    told.store(log, far)
    [trail] = told.json(one)
    assert members(trail) == [
        (two, "far.example", "queued_as", "forward", one, False)]
    assert trail["to"][0]["final"] == "deferred"


def test_queued_anew_forwarded_and_a_loop(told):
    log = Log()
    a, b, c = long_id(0), long_id(10), long_id(20)
    log.queue(0, a, "client").deliver(1, a, BOB, "deferred").queue(
        10, a, "requeued")
    log.queue(10, b, "pickup", other=a, uid="0").deliver(
        12, b, BOB, relay="local", next=c,
        text=f"forwarded as {c}").queue(13, b, "removed")
    # The forwarded copy names the first again: no way leads twice to one.
    log.queue(20, c, "pickup", other=a).deliver(
        22, c, DAVE, "deferred", dsn="4.2.2", orig_to=BOB).queue(
        23, c, "held")
    told.store(log)
    [trail] = told.json(a)
    assert (trail["status"], trail["final"]) == ("requeued", "held")
    assert members(trail) == [
        (b, HOST, "requeued", "forward", a, False),
        (c, HOST, "requeued", "forward", a, False)]
    out = told.text(a)
    assert "to bob@example.com  held (requeued here)\n" in out
    assert f"as {b} on {HOST}" in out and f"as {c} on {HOST}" in out


def test_a_chain_has_an_end(told):
    log = Log()
    one = long_id(0)
    log.queue(0, one, "client")
    for i in range(70):
        log.deliver(1, one, f"r{i}@example.com", relay_name=HOST,
                    next=long_id(1, 100 + i))
        log.queue(1, long_id(1, 100 + i), "client")
    told.store(log)
    [trail] = told.json(one)
    assert len(trail["chain"]) == 50 and trail["chain_more"] is True
    assert told.text(one).endswith("    ... and more\n")


def test_why_did_his_mail_not_arrive(told):
    """Refused before there was a queue id: found by both addresses, whatever
    their case, and by both domains."""
    log = Log()
    log.reject(1, stage="rcpt", client="192.0.2.66", dsn="5.7.1",
               sender="Mallory@Example.NET", rcpt=BOB, code=554,
               text="Service unavailable; client blocked")
    log.reject(2, stage="rcpt", action="reject_warning",
               sender="mallory@example.net", rcpt=BOB)
    log.reject(3, stage="rcpt", action="discard", rcpt="BOB@example.com.",
               sender="", client="192.0.2.67")
    told.store(log)
    for what in (BOB, "mallory@example.net", "MALLORY@example.net",
                 "@example.com", "@EXAMPLE.net"):
        refused = told.json(what)
        assert refused[-1]["refusals"][0]["reply"] == \
            "Service unavailable; client blocked", what
        assert refused[-1]["queue_id"] is None
        assert refused[-1]["to"] == [{"rcpt": BOB, "status": "rejected",
                                      "final": "rejected"}]
    out = told.text("-d", "36500", "@example.com")
    lines = out.splitlines()
    assert lines[0] == "refused before there was a queue id"
    assert lines[1].split() == ["at", "host", "client", "from", "to",
                                "status", "by", "reply"]
    assert [line.split()[0] for line in lines[2:]] == [at(3), at(1)]
    assert "5.7.1 Service unavailable; client blocked" in lines[3]
    assert len(told.json("@example.com", "-s", "discarded")) == 1
    assert len(told.json("@example.com", "-s", "rejected")) == 1
    told.ctl("trail", BOB, "-s", "bounced", ok=(1,))
    # It is long ago.
    _, err = told.ctl("trail", BOB, ok=(1,))
    assert err.startswith("nothing is known of 'bob@example.com'")


def test_a_message_of_which_only_a_refusal_is_known(told):
    """Without an offer the log names one recipient of it."""
    log = Log().queue(0, long_id(0), "client", client="192.0.2.66").scan(
        0.5, long_id(0), "reject", score="99").reject(
        1, queue_id=long_id(0), judge="milter", stage="end_of_message",
        dsn="5.7.1", text="Spam message rejected", rcpt=BOB,
        sender="m@example.net", client="192.0.2.66")
    told.store(log)
    for what in (BOB, "m@example.net", "@example.com", "@example.net"):
        [trail] = told.json(what)
        assert (trail["queue_id"], trail["status"]) == \
            (long_id(0), "filtered")
    out = told.text(long_id(0))
    assert "  status   filtered (Refused or thrown away as spam.)\n" in out
    assert "reject  by milter, end_of_message, to bob@example.com: 5.7.1 " \
        "Spam message rejected\n" in out
    assert "  client   unknown[192.0.2.66]\n" in out
    assert "tracking" not in out


def test_of_those_listed_each_has_its_status(told):
    log = Log()
    outcomes = ("sent", "bounced", "deferred", "sent")
    for i, outcome in enumerate(outcomes):
        log.queue(i * 10, long_id(i * 10), "client").queue(
            i * 10 + 0.5, long_id(i * 10), "active", nrcpt=2, size=1,
            sender="alice@example.org").deliver(
            i * 10 + 1, long_id(i * 10), BOB, outcome).deliver(
            i * 10 + 1, long_id(i * 10), CAROL,
            "deferred" if i == 1 else "sent")
    told.store(log)
    lines = told.text(BOB).splitlines()
    assert [line.split()[6] for line in lines[1:]] == [
        "delivered", "deferred", "bounced", "delivered"]

    def found(*args):
        return [t["queue_id"] for t in told.json(*args, ok=(0, 1))]

    assert found(BOB, "--status", "bounced") == [long_id(10)]
    assert found(CAROL, "--status", "bounced") == []
    # A message's own status is the gravest; each copy counts.
    assert found("alice@example.org", "-s", "deferred") == \
        [long_id(20), long_id(10)]
    assert found("--status", "bounced") == [long_id(10)]
    assert found("--status", "delivered", "-l", "1") == [long_id(30)]
    out, err = told.ctl("trail", "--status", "held", ok=(1,))
    assert (out, err) == ("", "no message is held.\n")
    out, err = told.ctl("trail", BOB, "--status", "held", ok=(1,))
    assert (out, err) == ("", f"no message of '{BOB}' is held.\n")


def test_lives_that_cannot_be_told_apart_are_said_to_be_so(told):
    log = Log()
    log.queue(-5, "ABCDE1", "client").deliver(0, "ABCDE1", BOB).queue(
        0, "ABCDE1", "removed").queue(0, "ABCDE1", "client").queue(
        1, "ABCDE1", "removed")
    told.store(log)
    out = told.text("ABCDE1", "--full")
    assert out.count("\n  ambiguous  This queue id was used for more than "
                     "one message within one moment of the log: ") == 2


def test_a_reply_of_many_lines_is_cut_and_harmless(told):
    log = Log()
    log.queue(0, long_id(0), "client").deliver(
        1, long_id(0), BOB, "bounced", dsn="5.0.0", relay="none",
        text="550 \x1b[2J" + "a" * 100 + " b" * 400)
    told.store(log)
    out = told.text(long_id(0))
    assert "\x1b" not in out and r"\x1b[2J" in out
    reply = [line.strip() for line in out.splitlines()
             if line.startswith(" " * 40)]
    assert len(reply) == 5 and reply[-1] == "... cut; see --json"
    assert max(map(len, reply)) <= 72


def test_colours_on_a_terminal_only(told):
    logs, one = fates()
    told.store(*logs)
    assert "\x1b" not in told.text(one)


def test_what_was_done_before_there_was_an_id_is_told_once(told):
    """smtpd says it as NOQUEUE, then it gets an id, and both are stored."""
    log = Log()

    def say(s, line, rcpt=BOB, action="discard", **fields):
        log.events.append(ev.reject(
            START + int(s * S), HOST, line, action=action, rcpt=rcpt,
            sender="mallory@example.net", stage="rcpt", **fields))

    say(0, 100)
    log.queue(0.2, long_id(0.2), "client")
    say(0.2, 100 + (1 << 63), queue_id=long_id(0.2))
    # The same line again; this time the client went before there was an id.
    say(301, 100)
    # Its key has the highest bit, to begin with.
    say(2, 200 + (1 << 63), action="hold")
    log.queue(2, long_id(2), "client")
    say(2, 200, action="hold", queue_id=long_id(2))
    # No id for these, and for another's line.
    say(3, 300)
    say(3, 300 + (1 << 63), CAROL, queue_id=long_id(3), action="redirect")
    say(3, 400, action="reject")
    told.store(log)
    rows = told.c.query(
        "SELECT at, queue_id, action, rcpt FROM v_reject WHERE host = %s "
        "ORDER BY at, action", (HOST,))
    assert [(str(r[0])[14:], *r[1:]) for r in rows] == [
        ("00:00.200000", long_id(0.2), "discard", BOB),
        ("00:02", long_id(2), "hold", BOB),
        ("00:03", None, "discard", BOB),
        ("00:03", long_id(3), "redirect", CAROL),
        ("00:03", None, "reject", BOB),
        ("05:01", None, "discard", BOB)]
    assert told.c.query("SELECT COUNT(*) FROM ev_reject") == ((8,),)
    assert sorted(str(t["queue_id"]) for t in told.json(BOB)) == sorted(
        [long_id(0.2), long_id(2), "None", "None", "None"])


def test_few_rows_are_read_of_many(told):
    """Each look-up goes by an index, for its page only."""
    c, name = told.c, told.c.database
    today = datetime.date.today()
    history.days_of(c.mariadb, name, today)
    history.fill(c.mariadb, name, today, view.TABLES, 700)
    c.query("UPDATE message SET status = IF(MOD(size + nrcpt + "
            "CRC32(message_id), 50) = 0, 'bounced', 'delivered'), "
            "first_at = born, last_at = born")
    c.query("INSERT INTO ev_reject (at, host, line, action, judge, sender, "
            "rcpt) SELECT NOW(6) - INTERVAL seq SECOND, 'mx.example.org', "
            "seq, 'reject', 'smtpd', CONCAT('Spam', seq, '@Example.NET'), "
            "CONCAT('reader', seq % 149, '@Example.COM') FROM seq_1_to_20000")
    # Of a trap, each said again with an id.
    c.query("INSERT INTO ev_reject (at, host, line, action, judge, rcpt, "
            "queue_id) SELECT NOW(6) - INTERVAL n.seq SECOND, "
            "'mx.example.org', 50000 + n.seq + IF(again.seq = 1, 0, 1 << 63), "
            "'discard', 'smtpd', 'trap@example.info', IF(again.seq = 1, "
            "NULL, CONCAT('4dG2kQ', n.seq, 'z7')) "
            "FROM seq_1_to_30 n JOIN seq_1_to_2 again")
    for table in ("message", "recipient", "ev_reject", "ev_deliver"):
        c.query(f"ANALYZE TABLE {table}")

    def rows_read(*args):
        def count():
            return sum(int(n) for _, n in c.query(
                "SHOW GLOBAL STATUS LIKE 'Handler_read%'"))
        before = count()
        listed = told.ctl("trail", *args, ok=(0, 1))[0].splitlines()
        return len(listed), count() - before

    day = today - datetime.timedelta(3)
    for args, lines in [
            ((history.queue_id(day, 5),), 13),
            ((f"5.{day}@mail.example.org",), 13),
            (("writer5@example.org",), 21), (("@example.org",), 21),
            (("reader5@example.com",), 44), (("@example.com",), 44),
            (("@example.net",), 22), (("spam77@example.net",), 3),
            (("trap@example.info",), 0),
            (("--status", "bounced"), 21)]:
        found, read = rows_read(*args)
        assert found == lines, args
        assert read < 3000, args


def test_a_report_that_knows_the_message_id_only(told):
    log = Log().queue(0, long_id(0), "client").queue(
        0.1, long_id(0), "message_id", message_id="7@example.org").deliver(
        1, long_id(0), BOB).deliver(1, long_id(0), CAROL).queue(
        1, long_id(0), "removed").notice(
        99, None, "failed", message_id="7@example.org", rcpt=CAROL,
        dsn="5.2.2", text="mailbox full").notice(
        99, None, "complaint", 2, message_id="7@example.org",
        reporter="fbl.example.com").notice(
        99, None, "complaint", 3, message_id="8@example.org")
    told.store(log)
    [trail] = told.json(long_id(0))
    assert [n["kind"] for n in trail["notices"]] == ["failed", "complaint"]
    # Anybody can send one: it stands beside what the log knows.
    assert trail["final"] == "delivered"
    bob, carol = told.text(long_id(0)).split("\n  to ")[1:]
    assert "report" not in bob
    assert "  report  failed  5.2.2\n" in carol
    assert "\n  reported\n    " + at(99) + \
        "  report  complaint  by fbl.example.com\n" in carol
