# SPDX-License-Identifier: BSD-2-Clause
"""What clients do: go away at every stage, be slow, be many, be large."""

import contextlib
import random
import resource
import smtplib
import socket
import struct
import threading
import time

from tests.lib.process import wait_for

from .fault import fault
from .load import Sent, Session, Try

STAGES = (b"EHLO x\r\n", b"MAIL FROM:<alice@example.org>\r\n",
          b"RCPT TO:<gone@example.com>\r\n", b"DATA\r\n",
          b"Subject: gone\r\nContent-Type: text/html\r\n",
          b"Message-ID: <gone@example.org>\r\n\r\n", b"<p>half a line")
ANSWERED = 5  # before that many of these, the server has said something


@fault("clients go away", hold=(1.0, 3.0))
def clients_go_away(scene, r):
    """Clients drop their connection at each stage of SMTP, in both ways."""
    ending = threading.Event()
    rude = [threading.Thread(target=drop, daemon=True, args=(
        scene.postfix.port, ending, random.Random(r.random())))
        for _ in range(4)]
    for t in rude:
        t.start()
    try:
        yield False
    finally:
        ending.set()
        for t in rude:
            t.join()


def drop(port, ending, r):
    while not ending.is_set():
        with contextlib.suppress(OSError), socket.create_connection(
                ("127.0.0.1", port), timeout=30) as s:
            last = r.randrange(len(STAGES) + 1)
            for i, line in enumerate(STAGES[:last]):
                if i < ANSWERED and r.random() < 0.7:
                    s.recv(4096)
                s.sendall(line)
            if r.random() < 0.5:  # RST instead of FIN
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))


REQUEST = (b"GET /i/" + b"A" * 34 + b".gif HTTP/1.1\r\nHost: localhost\r\n"
           b"User-Agent: slow\r\nConnection: close\r\n\r\n")
# FCGI_BEGIN_REQUEST of a responder, and the first half of its parameters.
FASTCGI = (b"\1\1\0\1\0\x08\0\0\0\1\0\0\0\0\0\0"
           b"\1\4\0\1\0\x40\0\0\x0e\3REQUEST_METHODGET")


@fault("slow web clients", hold=(2.0, 5.0))
def slow_web_clients(scene, r):
    """Clients that send a byte now and then, to nginx and by FastCGI."""
    ending = threading.Event()
    with contextlib.ExitStack() as stack:
        slow = [(stack.enter_context(socket.create_connection(
            ("127.0.0.1", scene.system.nginx.port))), REQUEST)
            for _ in range(200)]
        for _ in range(60):
            s = stack.enter_context(socket.socket(socket.AF_UNIX))
            s.connect(scene.ours.pixel_socket)
            slow.append((s, FASTCGI))
        trickling = threading.Thread(target=trickle, daemon=True,
                                     args=(slow, ending))
        trickling.start()
        try:
            yield False
        finally:
            ending.set()
            trickling.join()


def trickle(slow, ending):
    for i in range(len(REQUEST)):
        for s, text in slow:
            with contextlib.suppress(OSError):
                s.send(text[i:i + 1])
        if ending.wait(0.3):
            return


@fault("many web clients", hold=(1.0, 3.0))
def many_web_clients(scene, r):
    """10,000 connections to the pixel at once; then all of them ask."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (max(12000, limit[0]), max(12000, limit[1])))
    clients = []
    try:
        for _ in range(10000):
            clients.append(socket.create_connection(
                ("127.0.0.1", scene.system.nginx.port), timeout=60))
        yield False
        # More than can wait for its turn: some get the stand-in.
        with scene.window("pixel"):
            for s in clients:
                s.sendall(REQUEST)
            answers = [read_all(s) for s in clients]
        bad = [a for a in answers if not a.startswith(b"HTTP/1.1 200")
               or b"GIF89a" not in a]
        assert not bad, f"{len(bad)} of 10000 got no image, but {bad[0]!r}"
    finally:
        for s in clients:
            s.close()


def read_all(s):
    data = b""
    with contextlib.suppress(OSError):
        while (more := s.recv(4096)):
            data += more
    return data


@fault("largest everything", hold=(0.5, 1.0))
def largest_everything(scene, r):
    """Messages and requests with the largest texts and most recipients."""
    letters = "abcdefghij" * 100
    for i in range(3):
        message_id = f"<{r.getrandbits(64):x}.{letters[:900]}@example.org>"
        recipients = [f"r{i}.{k}.{letters[:50]}@{letters[:60]}.{letters[:60]}."
                      f"{letters[:60]}.example.com" for k in range(900)]
        data = (f"From: {letters[:60]}@{letters[:60]}.example.org\r\n"
                f"To: undisclosed-recipients:;\r\n"
                "Date: Fri, 20 Nov 2026 20:04:02 +0000\r\n"
                f"Message-ID: {message_id}\r\nSubject:"
                + f" {letters[:900]}\r\n" * 60
                + "".join(f"X-{letters[:50]}{k}: {letters[:900]}\r\n"
                          for k in range(40))
                + "Content-Type: text/plain\r\n\r\n"
                + f"{letters[:990]}\r\n" * 1000).encode()
        hand_over(scene, Sent(message_id, recipients, data, False))
    for size in (100, 4000, 7900):
        with contextlib.suppress(OSError):
            scene.system.fetch("/i/" + "A" * size, headers={
                "User-Agent": "U" * size, "X-Forwarded-For": "1" * size,
                "Cookie": "c" * size})
    yield False


def hand_over(scene, sent):
    """One message more, tried until it is accepted."""
    scene.load.sent[sent.message_id] = sent

    def tried():
        attempt = Try(time.monotonic(), time.monotonic())
        sent.tries.append(attempt)
        with contextlib.suppress(OSError, smtplib.SMTPException):
            session = Session(scene.postfix.port, attempt, 60)
            sent.queue_id = session.hand_over(sent, attempt)
            sent.accepted = attempt.ended = time.monotonic()
            session.quit()
        attempt.ended = time.monotonic()
        return sent.accepted is not None

    wait_for(tried, 60, f"{sent.message_id[:40]} to be accepted")
