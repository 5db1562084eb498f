# SPDX-License-Identifier: BSD-2-Clause
"""Clients that send at a steady rate, and remember all they were told.

Message n of a seed is always the same: HTML and plain text, all encodings,
one and many recipients, small and large. A client keeps its connection for
some messages, opens another when it is lost, and sends a message again that
was refused for now or whose fate it was not told, as real clients do.
"""

import base64
import dataclasses
import functools
import quopri
import random
import smtplib
import socket
import threading
import time

SENDER = "alice@example.org"
QUEUED = b"queued as "
# A client's own patience; beyond it a message counts as never accepted.
PATIENCE = 240.0


@dataclasses.dataclass
class Try:
    """One attempt to hand a message over; times on time.monotonic()."""
    connected: float       # when its connection was begun
    begun: float
    ended: float = 0.0
    stage: str = "connect"  # the last thing that was asked
    reply: str = ""        # the last thing that was answered
    slowest: dict = dataclasses.field(default_factory=dict)  # stage -> s

    @property
    def doubtful(self):
        """The final dot was sent, and "accepted" not heard."""
        return self.stage == "dot" and not self.reply.startswith("250")


@dataclasses.dataclass
class Sent:
    """A message and its sender's truth."""
    message_id: str
    recipients: list
    data: bytes            # None when all copies have come
    html: bool
    again: object = None   # makes it anew
    tries: list = dataclasses.field(default_factory=list)
    queue_id: str = None   # once accepted
    accepted: float = None

    def text(self):
        return self.data or self.again().data

    @property
    def doubtful(self):
        return any(t.doubtful for t in self.tries)


def _text(r, words):
    return " ".join(r.choice(("mail", "trail", "queue", "caf\u00e9", "na\u00efve",
                              "=3D", "<b>bold</b>", "&amp;", "From here",
                              ".dot", "\u65e5\u672c")) for _ in range(words))


def _html(r, size):
    lines = [f"<p>{_text(r, 9)}</p>" for _ in range(max(1, size // 80))]
    return ("<html><body>\r\n" + "\r\n".join(lines)
            + "\r\n</body></html>\r\n").encode()


def _wrapped(encoding, data):
    if encoding == "base64":
        return base64.encodebytes(data).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(data).replace(b"\r\n", b"\n") \
            .replace(b"\n", b"\r\n")
    return data


def _body(r, kind, size):
    """(content type, encoding, body) of a message of that kind."""
    encoding = r.choice(("8bit", "quoted-printable", "base64"))
    if kind == "plain":
        text = "\r\n".join(_text(r, 12) for _ in range(max(1, size // 80)))
        return ("text/plain; charset=utf-8", encoding,
                _wrapped(encoding, text.encode() + b"\r\n"))
    html = _wrapped(encoding, _html(r, size))
    if kind == "html":
        return "text/html; charset=utf-8", encoding, html
    boundary = f"=_{r.getrandbits(64):016x}"
    return (f'multipart/alternative; boundary="{boundary}"', "8bit",
            (f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\n"
             f"{_text(r, 20)}\r\n--{boundary}\r\n"
             "Content-Type: text/html; charset=utf-8\r\n"
             f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode()
            + html + f"--{boundary}--\r\n".encode())


def message(name, seed, n):
    """Message n of a run of that name and seed."""
    r = random.Random(f"{seed}:{n}")
    kind = r.choice(("html", "alternative", "alternative", "plain"))
    size = r.choice((200, 1000, 1000, 4000, 4000, 20000))
    if r.random() < 0.02:
        size = 400 * 1000
    count = 30 if r.random() < 0.01 else r.choice((1, 1, 1, 2, 3))
    message_id = f"<{name}.{n}@example.org>"
    recipients = [f"r{n}.{k}@example.com" for k in range(count)]
    content_type, encoding, body = _body(r, kind, size)
    head = (f"From: Alice <{SENDER}>\r\nTo: {recipients[0]}\r\n"
            f"Subject: number {n}, {_text(r, 3)}\r\n"
            f"Message-ID: {message_id}\r\n"
            "Date: Fri, 20 Nov 2026 20:04:02 +0000\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n")
    return Sent(message_id, recipients, head.encode() + body, kind != "plain",
                functools.partial(message, name, seed, n))


class Session:
    """An SMTP connection that notes how long each answer took."""

    def __init__(self, port, attempt, timeout):
        self.attempt = attempt
        self.smtp = None
        self.used = 0
        self.connected = attempt.connected
        smtp = smtplib.SMTP(timeout=timeout)
        self._timed("connect", lambda: smtp.connect("127.0.0.1", port))
        self.smtp = smtp
        self._timed("ehlo", smtp.ehlo)

    def _timed(self, stage, ask):
        self.attempt.stage, self.attempt.reply = stage, ""
        begun = time.monotonic()
        try:
            code, reply = ask()
        finally:
            took = time.monotonic() - begun
            slowest = self.attempt.slowest
            slowest[stage] = max(took, slowest.get(stage, 0.0))
        self.attempt.reply = f"{code} {reply.decode('ascii', 'replace')}"
        if not 200 <= code < 400:
            raise smtplib.SMTPResponseException(code, reply)
        return reply

    def hand_over(self, sent, attempt):
        """The queue id the server gave it."""
        smtp = self.smtp
        self.attempt = attempt
        self.used += 1
        self._timed("mail", lambda: smtp.mail(SENDER))
        for address in sent.recipients:
            self._timed("rcpt", lambda: smtp.rcpt(address))
        self._timed("data", lambda: smtp.docmd("DATA"))
        text = sent.text().replace(b"\r\n.", b"\r\n..")

        def dot():
            smtp.send(text + b".\r\n")
            return smtp.getreply()

        reply = self._timed("dot", dot)
        return reply.partition(QUEUED)[2].decode("ascii", "replace").split()[0]

    def quit(self):
        try:
            if self.smtp is not None:
                self.smtp.quit()
        except (OSError, smtplib.SMTPException):
            pass


class Load:
    """Clients on `connections` connections, `rate` messages a second.

    start(), then stop(): it returns when each message that was begun is
    accepted, or its sender's patience is over (`failed`).
    """

    def __init__(self, port, name, seed, rate=25.0, connections=12,
                 timeout=60.0):
        self.port, self.name, self.seed = port, name, seed
        self.rate, self.timeout = rate, timeout
        self.sent = {}     # Message-ID -> Sent, also those in work
        self.failed = {}   # Message-ID -> what was last said
        self.broken = []   # clients that ended early, which is our own fault
        self.accepted = 0
        self._next = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(i,),
                                          daemon=True)
                         for i in range(connections)]

    def start(self):
        self.begun = time.monotonic()
        for t in self._threads:
            t.start()
        return self

    def stop(self):
        self._ending.set()
        for t in self._threads:
            t.join()
        self.ended = time.monotonic()

    def _take(self):
        """The next message, at the time when it is due; None at the end."""
        with self._lock:
            n, self._next = self._next, self._next + 1
        if self._ending.wait(max(0.0, self.begun + n / self.rate
                                 - time.monotonic())):
            return None
        sent = message(self.name, self.seed, n)
        with self._lock:
            self.sent[sent.message_id] = sent
        return sent

    def _work(self, i):
        try:
            self._send(i)
        except BaseException as error:
            self.broken.append(repr(error))
            raise

    def _send(self, i):
        r = random.Random(f"{self.seed}:client:{i}")
        session, quota = None, 0
        while (sent := self._take()) is not None:
            end = time.monotonic() + PATIENCE
            while sent.accepted is None and time.monotonic() < end:
                if session is not None and session.used >= quota:
                    session.quit()
                    session = None
                if session is None:
                    quota = r.randint(1, 20)
                session = self._try(sent, session)
                if sent.accepted is None:
                    time.sleep(0.1)  # as a client that tries again does
            if sent.accepted is None:
                self.failed[sent.message_id] = sent.tries[-1].reply
        if session is not None:
            session.quit()

    def _try(self, sent, session):
        """Try once; the connection to go on with, or None."""
        now = time.monotonic()
        attempt = Try(session.connected if session else now, now)
        sent.tries.append(attempt)
        try:
            if session is None:
                session = Session(self.port, attempt, self.timeout)
            queue_id = session.hand_over(sent, attempt)
            attempt.ended = time.monotonic()
            with self._lock:
                self.accepted += 1
            sent.queue_id, sent.accepted = queue_id, attempt.ended
            return session
        except (OSError, smtplib.SMTPException, socket.timeout) as error:
            attempt.ended = time.monotonic()
            attempt.reply = attempt.reply or repr(error)
            if isinstance(error, smtplib.SMTPResponseException) \
                    and error.smtp_code != 421 and session is not None \
                    and session.smtp is not None:
                try:
                    session.smtp.rset()
                    return session
                except (OSError, smtplib.SMTPException):
                    pass
            return None
