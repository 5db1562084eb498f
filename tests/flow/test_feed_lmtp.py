# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-feed's LMTP, spoken to by clients good and bad."""

import os
import signal
import smtplib
import socket
import threading

import pytest

from tests.lib.checked import assert_cost
from tests.lib.feeding import Feed
from tests.lib.process import free_port, run, wait_for

REPORTS = "tests/data/reports"
SENDER, RCPT = "", "reports@example.org"


@pytest.fixture
def report(root):
    with open(root / REPORTS / "two-recipients.eml", "rb") as f:
        return f.read().replace(b"\n", b"\r\n")


@pytest.fixture
def feed(own_lab, build):
    return Feed(own_lab, build).start()


def client(feed):
    return smtplib.LMTP(feed.socket)


def raw(feed):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(feed.socket)
    return s


def until(s, end):
    data = b""
    while not data.endswith(end):
        more = s.recv(65536)
        assert more, f"closed after {data!r}"
        data += more
    return data.decode()


def talk(s, data, lines):
    """Send bytes; the replies, when there are so many lines."""
    if data:
        s.sendall(data)
    said = b""
    while said.count(b"\r\n") < lines:
        more = s.recv(65536)
        assert more, f"closed after {said!r}"
        said += more
    return said.decode().splitlines()


def test_a_report_is_taken_and_each_recipient_answered(feed, report):
    with client(feed) as c:
        code, text = c.ehlo("mx.example.org")
        assert code == 250
        assert text.split() == [
            b"mx.example.org", b"PIPELINING", b"8BITMIME", b"SMTPUTF8",
            b"SIZE", b"ENHANCEDSTATUSCODES"]
        assert c.sendmail(SENDER, [RCPT], report, mail_options=[
            f"SIZE={len(report)}", "BODY=8BITMIME"]) == {}
        assert c.sendmail(SENDER, [RCPT], b"Subject: x\r\n\r\nx\r\n") == {}
    assert [e["kind"] for e in feed.notices()] == [
        "failed", "delayed", "failed"]


def test_all_at_once_in_one_piece_and_byte_by_byte(feed, report):
    dialogue = (b"LHLO me\r\nMAIL FROM:<> SIZE=10\r\nRCPT TO:<a@b>\r\n"
                b"RCPT TO:<\"> \"@b>\r\nNOOP\r\nDATA\r\n" +
                report.replace(b"\r\n.", b"\r\n..") + b".\r\n"
                b"mail from:<a@b>\r\nRSET\r\nDATA\r\nVRFY x\r\nQUIT\r\n")
    want = ["220", *6 * ["250"], "250", "250", "250", "250", "354",
            "250 2.0.0 taken notices=3", "250 2.0.0 taken notices=3",
            "250", "250", "503 5.5.1 no recipients", "252", "221"]
    with raw(feed) as s:
        said = talk(s, dialogue, len(want))
        assert [line[:len(w)] for line, w in zip(said, want)] == want
        assert s.recv(1) == b""
    with raw(feed) as s:
        for at in range(len(dialogue)):
            s.sendall(dialogue[at:at + 1])
        said = talk(s, b"", len(want))
        assert [line[:len(w)] for line, w in zip(said, want)] == want
    assert len({e["report"] for e in feed.notices()}) == 1
    assert len(feed.notices()) == 6


@pytest.mark.parametrize("line, reply", [
    (b"EHLO me", "500 5.5.1 this is LMTP: LHLO"),
    (b"LHLO", "501 5.5.4 LHLO needs a name"),
    (b"MAIL FROM:<>", "503 5.5.1 LHLO first"),
    (b"RCPT TO:<a@b>", "503 5.5.1 MAIL first"),
    (b"DATA", "503 5.5.1 no recipients"),
    (b"DATA x", "501 5.5.4 DATA has no argument"),
    (b"XYZZY", "500 5.5.2 unknown command"),
    (b"", "500 5.5.2 unknown command"),
    (b"\0\xff", "500 5.5.2 unknown command"),
    (b"NOOP " + 5000 * b"x", "500 5.5.2 line too long"),
])
def test_what_is_wrong_is_said(feed, line, reply):
    with raw(feed) as s:
        until(s, b"\r\n")
        assert talk(s, line + b"\r\nNOOP\r\n", 2) == [reply, "250 2.0.0 ok"]


@pytest.mark.parametrize("line, reply", [
    (b"MAIL FROM:a@b", "501 5.5.4 MAIL FROM:<address>"),
    (b"MAIL FROM:<a@b", "501 5.5.4 MAIL FROM:<address>"),
    (b"MAIL FROM:<a@b> FUTURE=1", "555 5.5.4 unknown parameter"),
    (b"MAIL TO:<a@b>", "501 5.5.4 MAIL FROM:<address>"),
])
def test_what_is_wrong_after_a_greeting_is_said(feed, line, reply):
    with raw(feed) as s:
        talk(s, b"LHLO me\r\n", 7)
        assert talk(s, line + b"\r\n", 1) == [reply]


def test_a_bare_line_feed_ends_neither_line_nor_message(feed, report):
    with raw(feed) as s:
        talk(s, b"LHLO me\r\n", 7)
        assert talk(s, b"NOOP\n", 1) == ["500 5.5.2 lines end with CR LF"]
        talk(s, b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n", 3)
        # What would be a second message to who takes them for ends.
        s.sendall(b"Subject: x\r\n\r\n\n.\nMAIL FROM:<>\r\n.\nQUIT\r\n"
                  b"\r.\rx\r\n.\rx\r\n..\r\n")
        assert talk(s, b".\r\n", 1) == ["250 2.0.0 passed over: not a report"]
        assert talk(s, b"QUIT\r\n", 1) == ["221 2.0.0 bye"]


def test_dots_are_taken_away(feed):
    report = (b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
              b"Content-Type: message/delivery-status\r\n\r\n"
              b"Final-Recipient: rfc822; a@b\r\nAction: failed\r\n"
              b"Diagnostic-Code: smtp; 550 a\r\n .b\r\n\r\n--b--\r\n")
    with client(feed) as c:
        c.sendmail(SENDER, [RCPT], report + b".\r\n..\r\n")
    # As sent by hand: a dot that was not doubled goes, too.
    with raw(feed) as s:
        talk(s, b"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n", 10)
        talk(s, b".." + report.replace(b"Content", b".Content", 0) +
             b"\r\n.x\r\n.\r\n", 1)
    assert [e["text"] for e in feed.notices()][:1] == ["550 a .b"]


def test_too_many_recipients_are_put_off(feed, report):
    with raw(feed) as s:
        said = talk(s, b"LHLO me\r\nMAIL FROM:<>\r\n" +
                    101 * b"RCPT TO:<a@b>\r\n" + b"DATA\r\n", 110)
        assert said[8:] == 100 * ["250 2.1.5 ok"] + [
            "452 4.5.3 too many recipients", "354 go on, end with a dot"]
        said = talk(s, report + b".\r\n", 100)
        assert len(said) == 100 and len(set(said)) == 1
    assert len(feed.notices()) == 3


def test_a_spool_that_refuses_puts_the_message_off(own_lab, build, report):
    feed = Feed(own_lab, build)
    os.rmdir(feed.spool)
    feed.start()
    with client(feed) as c:
        with pytest.raises(smtplib.SMTPDataError) as error:
            c.sendmail(SENDER, [RCPT], report)
        assert error.value.smtp_code == 451
        assert error.value.smtp_error.startswith(b"4.3.0 spool: ")
        assert c.sendmail(SENDER, [RCPT], b"Subject: x\r\n\r\n") == {}
        os.mkdir(feed.spool)
        # The spool looks again 100 ms after a failure.
        wait_for(lambda: accepted(c, report), 10)
    assert len(feed.notices()) == 3
    assert "reports wait at the mail server" in feed.log()


def test_what_waits_at_the_client_is_not_counted_as_lost(own_lab, build,
                                                         report):
    feed = Feed(own_lab, build, spool_segment="64k", spool_max="128k").start()
    with client(feed) as c:
        n = 0
        while accepted(c, report):
            n += 1
    assert 10 < n < 1000
    # None of the last report, or all of it.
    assert len(feed.notices()) == 3 * n
    lost = os.path.join(feed.spool, "lost")
    if os.path.exists(lost):
        with open(lost, "rb") as f:
            assert f.read()[8:16] == bytes(8)


def accepted(c, report):
    try:
        return c.sendmail(SENDER, [RCPT], report) == {}
    except smtplib.SMTPDataError:
        return False


def test_a_long_message_takes_its_start_only(feed, report):
    def memory():
        with open(f"/proc/{feed.process.pid}/status", encoding="ascii") as f:
            return int(next(line.split()[1] for line in f
                            if line.startswith("VmHWM")))

    before = memory()
    with raw(feed) as s:
        talk(s, b"LHLO me\r\nMAIL FROM:<> SIZE=99999999\r\n"
             b"RCPT TO:<a@b>\r\nDATA\r\n", 10)
        s.sendall(report[:report.rindex(b"--")])
        for _ in range(1000):
            s.sendall(1000 * (98 * b"x" + b"\r\n"))
        assert talk(s, b".\r\n", 1)[0].startswith("250 2.0.0 taken")
    assert len(feed.notices()) == 3
    assert_cost(memory() - before, 24 * 1024)


def test_more_clients_than_there_are_connections_wait(own_lab, build, report):
    feed = Feed(own_lab, build, connections=2).start()
    idle = [raw(feed) for _ in range(2)]
    for s in idle:
        until(s, b"\r\n")
    done = []
    threads = [threading.Thread(target=lambda: done.append(
        send_one(feed, report))) for _ in range(8)]
    for t in threads:
        t.start()
    for s in idle:
        assert talk(s, b"NOOP\r\n", 1) == ["250 2.0.0 ok"]
        s.close()
    for t in threads:
        t.join(20)
    assert done == 8 * [{}]
    assert len(feed.notices()) == 24


def send_one(feed, report):
    with client(feed) as c:
        return c.sendmail(SENDER, [RCPT], report)


def test_a_silent_client_is_sent_away_and_others_go_on(own_lab, build, report):
    feed = Feed(own_lab, build, timeout_ms=300).start()
    with raw(feed) as s:
        assert until(s, b"too long\r\n").endswith(
            "421 4.4.2 silent for too long\r\n")
        assert s.recv(1) == b""
    assert send_one(feed, report) == {}


def test_one_who_reads_nothing_does_no_harm(feed, report):
    s = raw(feed)
    s.settimeout(1)
    with pytest.raises(TimeoutError):
        while True:
            s.sendall(b"NOOP\r\n" * 10000)
    assert send_one(feed, report) == {}
    s.settimeout(20)
    assert until(s, b"ok\r\n").startswith("220 ")
    s.close()


def ending(s):
    """What still comes; bytes it has not read make it a reset."""
    try:
        return s.recv(100)
    except ConnectionResetError:
        return b""


def test_the_end_says_goodbye_and_takes_the_socket_away(feed, report):
    idle, busy = raw(feed), raw(feed)
    until(idle, b"\r\n")
    talk(busy, b"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n", 10)
    busy.sendall(report)
    feed.process.popen.send_signal(signal.SIGTERM)
    assert until(idle, b"away\r\n") == "421 4.3.2 going away\r\n"
    # In the midst of a message nothing is promised.
    assert ending(busy) == b""
    assert feed.process.popen.wait(10) == 0
    assert not os.path.exists(feed.socket)
    assert feed.notices() == []


def test_reload_listens_elsewhere(feed, report):
    port = free_port()
    feed.set(listen=f"127.0.0.1:{port}")
    feed.process.popen.send_signal(signal.SIGUSR1)
    wait_for(lambda: smtplib.LMTP("127.0.0.1", port).quit(), 10)
    assert not os.path.exists(feed.socket)
    with smtplib.LMTP("127.0.0.1", port) as c:
        c.sendmail(SENDER, [RCPT], report)
    assert len(feed.notices()) == 3
    # A place that is taken: the old one is kept.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        feed.set(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        feed.process.popen.send_signal(signal.SIGUSR1)
        feed.wait_log("keeping the old configuration")
    with smtplib.LMTP("127.0.0.1", port) as c:
        c.sendmail(SENDER, [RCPT], report)
    assert len(feed.notices()) == 6


@pytest.mark.parametrize("options, message", [
    (["listen=none"], "listen: none, and imap is not set"),
    (["listen=x"], "listen: 'x' is none of unix:PATH, ADDRESS:PORT, none"),
    (["listen=unix:x"], "listen: unix: needs an absolute path"),
    (["listen_mode=9"], "listen_mode: '9' is no mode such as 0660"),
    (["connections=0"], "connections: must not be 0"),
    (["imap=x"], "imap: neither imaps://HOST nor imap://HOST"),
    (["imap=imaps://x"], "imap_user: is not set"),
    (["imap=imaps://x", "imap_user=x"], "imap_password_file: is not set"),
    (["imap=imaps://x", "imap_user=x", "imap_password_file=/x",
      'imap_move=a"b'], 'imap_move: not printable ASCII without " and \\'),
])
def test_bad_options_are_named(build, options, message):
    argv = [build / "feed" / "mailtrail-feed", "-t"]
    for option in options:
        argv += ["-o", option]
    done = run(argv, ok=(78,))
    assert done.stderr.splitlines()[-1].endswith(message)
