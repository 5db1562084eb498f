# SPDX-License-Identifier: BSD-2-Clause
"""The milter with a real Postfix: bytes, restarts, crashes, crowds."""

import base64
import quopri
import re
import smtplib
import socket
import threading
import time

import pytest

from tests.lib.checked import assert_cost
from tests.lib.disk import SmallDisk
from tests.lib.milter import MilterHost
from tests.lib.process import Lab, wait_for

PAGE = ("<html><body><h1>H\u00e4llo</h1>\r\n"
        + "<p>A line of text that is long enough to be wrapped here.</p>\r\n"
        * 30 + "</body></html>\r\n")
EIGHT = "Content-Transfer-Encoding: 8bit"
UTF8 = "Content-Type: text/html; charset=utf-8"


def message(name, body, *headers):
    head = [f"Message-ID: <{name}@example.org>", "MIME-Version: 1.0",
            'From: "A, B" <alice@example.org>', "Subject: =?utf-8?q?h=C3=A4?=",
            " and on", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def send(port, data, sender="alice@example.org",
         recipients=("bob@example.com",)):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail(sender, recipients, data,
                        mail_options=["BODY=8BITMIME"])


@pytest.fixture(scope="module")
def host(build, needs_root):
    with Lab() as lab:
        # Else smtp(8) folds long lines on their way to the sink.
        yield MilterHost(lab, build, settings={
            "smtp_line_length_limit": "0"}).start()


def body_of(data):
    return data.split(b"\r\n\r\n", 1)[1]


def insertion(before, after):
    """What was put into before to make after; None when it is more."""
    n = 0
    while n < len(before) and before[n] == after[n]:
        n += 1
    rest = len(before) - n
    if rest and after[-rest:] != before[n:]:
        return None
    return after[n:len(after) - rest]


def as_base64(text):
    return base64.encodebytes(text).replace(b"\n", b"\r\n")


def as_quoted_printable(text):
    return quopri.encodestring(text.replace(b"\r\n", b"\n")) \
        .replace(b"\n", b"\r\n")


MARKED = {
    "eight": (lambda t: t, lambda b: b, [UTF8, EIGHT]),
    "large": (lambda t: t * 700, lambda b: b, [UTF8, EIGHT]),
    "long_line": (lambda t: b"<body>" + b"x" * 5000 + b"\r\n.\r\n..x\r\n"
                  b"</body>\r\n\r\n", lambda b: b, [UTF8, EIGHT]),
    "qp": (as_quoted_printable, quopri.decodestring,
           [UTF8, "Content-Transfer-Encoding: quoted-printable"]),
    "base64": (as_base64, base64.b64decode,
               [UTF8, "Content-Transfer-Encoding: base64"]),
    "requests": (lambda t: t, lambda b: b,
                 [UTF8, EIGHT, "X-Mailtrail-Open: yes",
                  "X-Mailtrail-Open:anonymous"]),
}


@pytest.mark.parametrize("name", sorted(MARKED))
def test_a_marked_copy_is_the_original_and_one_pixel(host, name):
    encode, decode, headers = MARKED[name]
    data = message(name, encode(PAGE.encode()), *headers)
    send(host.postfix.port, data)
    copy = host.sink.data(host.sink.wait(f"<{name}@example.org>"))
    inserted = insertion(decode(body_of(data)), decode(body_of(copy)))
    assert inserted is not None
    assert len(re.findall(
        rb"https://open\.example\.org/i/[A-Za-z0-9_-]{34}\.gif",
        inserted)) == 1
    head = copy.split(b"\r\n\r\n", 1)[0]
    assert re.search(rb"\r\nX-Mailtrail-Mark: [0-9a-f]{32}\.[0-9a-f]{16}(\r|$)",
                     head)
    assert b"X-Mailtrail-Open" not in head
    assert b"Subject: =?utf-8?q?h=C3=A4?=\r\n and on" in head


UNMARKED = {
    "plain": (b"just text\r\n", []),
    "empty": (b"", [UTF8.replace("html", "plain")]),
    "nul": (b"<html><body>\0\0</body></html>\r\n", [UTF8, EIGHT]),
    "signed": (PAGE.encode(), [UTF8, EIGHT, "DKIM-Signature: v=1"]),
}


@pytest.mark.parametrize("name", sorted(UNMARKED))
def test_an_unmarked_copy_has_the_same_body(host, name):
    body, headers = UNMARKED[name]
    send(host.postfix.port, message(name, body, *headers))
    copy = host.sink.data(host.sink.wait(f"<{name}@example.org>"))
    assert body_of(copy) == body
    assert b"X-Mailtrail" not in copy


def test_mail_from_outside_keeps_its_headers(host):
    data = message("outside", PAGE.encode(), UTF8, EIGHT,
                   "X-Mailtrail-Open: yes", "X-Mailtrail-Mark: nonsense")
    send(host.postfix.ports["mx"], data)
    copy = host.sink.data(host.sink.wait("<outside@example.org>"))
    assert body_of(copy) == body_of(data)
    assert b"X-Mailtrail-Open: yes" in copy
    assert b"X-Mailtrail-Mark: nonsense" in copy


def test_refused_recipients_are_not_listed(host):
    host.postfix.set(
        smtpd_recipient_restrictions="check_recipient_access "
        "inline:{refused@example.com=reject}, permit")
    try:
        with smtplib.SMTP("127.0.0.1", host.postfix.port) as client:
            refused = client.sendmail(
                "alice@example.org",
                ["refused@example.com", "taken@example.com"],
                message("listed", b"x\r\n"))
        assert list(refused) == ["refused@example.com"]
    finally:
        host.postfix.set(smtpd_recipient_restrictions="")
    wait_for(lambda: any(e.get("rcpt") == "taken@example.com"
                         for e in host.events()), 5, "the event")
    assert not any(e.get("rcpt") == "refused@example.com"
                   for e in host.events())


def test_a_thousand_connections(host):
    """Open at once, each in the middle of a message, then all ended."""
    host.postfix.set(default_process_limit="1100")
    crowd = []
    for _ in range(1000):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(host.socket)
        s.sendall(b"\0\0\0\x0dO" + b"\0\0\0\x06" + b"\0\0\x01\xff"
                  + b"\0\x1f\xff\xff")
        crowd.append(s)
    for s in crowd:
        length = int.from_bytes(s.recv(4, socket.MSG_WAITALL), "big")
        assert s.recv(length, socket.MSG_WAITALL)[:1] == b"O"
        s.sendall(b"\0\0\0\x14M<alice@example.org>\0"[:4]
                  + b"M<alice@example.org>\0")
    send(host.postfix.port, message("crowded", b"x\r\n"))
    host.sink.wait("<crowded@example.org>")
    with open(f"/proc/{host.process.pid}/status", encoding="ascii") as f:
        rss = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
    for s in crowd:
        s.close()
    assert_cost(rss, 64 * 1024)  # kB


class Stream(threading.Thread):
    """Messages, one connection each, until told to end."""

    def __init__(self, port, name, body):
        super().__init__()
        self.port, self.name, self.body = port, name, body
        self.sent, self.failed, self.ending = 0, [], False

    def run(self):
        while not self.ending:
            name = f"{self.name}.{self.sent}"
            try:
                send(self.port, message(name, self.body, UTF8, EIGHT))
            except (OSError, smtplib.SMTPException) as error:
                self.failed.append((name, error))
            self.sent += 1


def run_streams(host, body, disturb):
    streams = [Stream(host.postfix.port, f"s{i}", body) for i in range(4)]
    for s in streams:
        s.start()
    try:
        disturb()
    finally:
        for s in streams:
            s.ending = True
        for s in streams:
            s.join()
    assert [s.failed for s in streams] == [[], [], [], []]
    host.postfix.wait_empty()
    total = sum(s.sent for s in streams)
    wait_for(lambda: len(host.sink.envelopes()) >= total, 30,
             f"{total} copies")
    envelopes = host.sink.envelopes()
    assert len(envelopes) == total
    return envelopes


def damaged(host, envelopes, body):
    """Copies that are neither the original nor a whole marked message."""
    for e in envelopes:
        copy = body_of(host.sink.data(e))
        if copy != body and b"open.example.org" not in (
                insertion(body, copy) or b""):
            yield e, len(copy)


def test_a_killed_milter_damages_no_message(own_lab, build, needs_root):
    """At whatever moment: the copy is the original or wholly marked."""
    host = MilterHost(own_lab, build).start()
    body = PAGE.encode() * 150

    def disturb():
        for i in range(25):
            time.sleep(0.15 + 0.013 * i % 0.05)
            host.process.kill()
            host.process.start_notify()

    envelopes = run_streams(host, body, disturb)
    assert "corrupt" not in host.postfix.log()
    assert list(damaged(host, envelopes, body)) == []
    marked = sum(body_of(host.sink.data(e)) != body for e in envelopes)
    assert marked > 0


def test_a_restart_under_load_loses_nothing(own_lab, build, needs_root):
    """What a stopped milter had in work is marked, recorded and answered."""
    host = MilterHost(own_lab, build).start()
    body = PAGE.encode()

    def disturb():
        for _ in range(8):
            time.sleep(0.3)
            before = time.monotonic()
            host.process.signal(15)
            assert host.process.wait(6) == 0
            assert time.monotonic() - before < 5.5
            host.process.start_notify()

    envelopes = run_streams(host, body, disturb)
    assert list(damaged(host, envelopes, body)) == []
    offers = {e["message_id"]: e["reason"] for e in host.events()
              if e["t"] == "offer"}
    for e in envelopes:
        name = e["message_id"].strip("<>")
        if body_of(host.sink.data(e)) != body:
            assert offers[name] == "done"
        else:  # it passed while no milter was there
            assert offers.get(name) is None


def test_a_second_milter_does_not_take_the_socket(own_lab, build, needs_root):
    host = MilterHost(own_lab, build)
    host.process.start_notify()
    other = type(host.process)("other", host.process.argv, host.directory)
    own_lab.add(other)
    other.start()
    assert other.wait(10) == 78
    with open(other.log, encoding="utf-8") as f:
        assert "another program listens there" in f.read()
    host.process.kill()  # leaves its socket file behind
    host.process.start_notify()
    host.process.signal(1)  # SIGHUP ends it, as libmilter has it
    assert host.process.wait(3) == 0


def test_a_stop_right_after_the_start_is_prompt(own_lab, build, needs_root):
    """libmilter's own thread must not get the signal: it takes its time."""
    host = MilterHost(own_lab, build)
    for number in (15, 1) * 15:
        host.process.start_notify()
        host.process.signal(number)
        assert host.process.wait(3) == 0


def test_a_full_spool_is_said_once_and_its_end(build, own_lab, needs_root):
    """Mail goes on as ever; nobody has to do anything when there is room."""
    disk = SmallDisk(own_lab, "disk")
    host = MilterHost(own_lab, build, options={"spool_dir": disk.path}).start()
    data = message("full", PAGE.encode(), UTF8, EIGHT)

    def troubles():
        return [line for line in host.log().splitlines()
                if line.startswith("<3>") or "again after s=" in line]

    try:
        send(host.postfix.port, data)
        assert troubles() == []
        disk.fill()
        for _ in range(20):
            send(host.postfix.port, data)
        line, = troubles()
        assert line.startswith(
            "<3>spool: append: No space left on device; mail goes on "
            "unrecorded, what is lost is counted queue_id=")
        disk.free()
        send(host.postfix.port, data)
        wait_for(lambda: len(troubles()) == 2, 10, "the end")
        assert re.match(r"<6>the spool takes events again after s=\d+ "
                        r"failures=\d+$", troubles()[1])
        wait_for(lambda: len(host.sink.envelopes()) == 22, 20, "all mail")
    finally:
        host.process.stop()
