# SPDX-License-Identifier: BSD-2-Clause
"""Mail clients as they really behave: many at once, trying again on 4xx."""

import queue
import re
import smtplib
import threading
import time
from email.message import EmailMessage
from email.utils import formatdate

QUEUED = re.compile(r"queued as (\S+)")


def html_message(message_id, sender="alice@example.org",
                 recipients=("bob@example.com",), subject="Hello",
                 text="Hello, Bob.", html=None):
    """A multipart/alternative message as mail programs write it."""
    m = EmailMessage()
    m["From"] = sender
    m["To"] = ", ".join(recipients)
    m["Subject"] = subject
    m["Message-ID"] = message_id
    m["Date"] = formatdate(localtime=False)
    m.set_content(text)
    m.add_alternative(html or f"<html><body><p>{text}</p></body></html>",
                      subtype="html")
    return m.as_bytes(policy=m.policy.clone(linesep="\r\n"))


def send(port, data, sender, recipients, xclient=None):
    """One message on a connection of its own; the queue id it was given.

    With xclient, an address, Postfix takes us for a client from there.
    """
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        if xclient is not None:
            smtp.ehlo()
            code, reply = smtp.docmd("XCLIENT", f"ADDR={xclient}")
            if code != 220:
                raise smtplib.SMTPResponseException(code, reply)
            smtp.ehlo_resp = smtp.helo_resp = None
        return transaction(smtp, data, sender, recipients)


def transaction(smtp, data, sender, recipients):
    """MAIL, RCPT, DATA on an open connection; the queue id."""
    smtp.ehlo_or_helo_if_needed()
    for code, reply in [smtp.mail(sender)] + [smtp.rcpt(r)
                                              for r in recipients]:
        if code != 250:
            smtp.rset()
            raise smtplib.SMTPResponseException(code, reply)
    code, reply = smtp.data(data)
    if code != 250:
        raise smtplib.SMTPResponseException(code, reply)
    match = QUEUED.search(reply.decode("ascii", "replace"))
    return match[1] if match else None


class Crowd:
    """Clients that send a list of messages from N connections.

    Each keeps its connection for several messages, opens a new one when that
    is lost, and repeats a message that was refused for now (4xx or a lost
    connection), as real clients do. A lost connection after the final dot
    leaves it open whether the server took the message: such a Message-ID is
    also in `doubtful`, since sending it again may deliver it twice.

    `times` has for each accepted Message-ID (connected, begun, accepted), on
    time.monotonic(): a milter that was away when the connection was made, or
    vanished during it, is not asked again on that connection.
    """

    def __init__(self, port, messages, connections=20, per_connection=25,
                 patience=120.0, pause=0.0):
        self.port = port
        self.todo = queue.SimpleQueue()
        for m in messages:  # (message_id, sender, recipients, data)
            self.todo.put(m)
        self.total = len(messages)
        self.per_connection = per_connection
        self.patience = patience
        self.pause = pause
        self.accepted = {}   # Message-ID -> queue id
        self.retried = {}    # Message-ID -> refusals before it was taken
        self.doubtful = set()
        self.failed = {}     # Message-ID -> last error
        self.times = {}      # Message-ID -> (connected, begun, accepted)
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work, daemon=True)
                        for _ in range(connections)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def join(self, timeout=600.0):
        end = time.monotonic() + timeout
        for t in self.threads:
            t.join(max(0.0, end - time.monotonic()))
        assert not any(t.is_alive() for t in self.threads), \
            f"clients still at work; {len(self.accepted)} of {self.total} sent"
        return self

    def _work(self):
        smtp = None
        used, connected = 0, 0.0
        while True:
            try:
                message = self.todo.get_nowait()
            except queue.Empty:
                break
            end = time.monotonic() + self.patience
            while True:
                try:
                    if smtp is None or used >= self.per_connection:
                        connected = time.monotonic()
                        smtp, used = self._reconnect(smtp), 0
                    used += 1
                    self._one(smtp, message, connected)
                    break
                except (OSError, smtplib.SMTPException) as error:
                    smtp = self._after_error(smtp, message[0], error)
                    if smtp is False or time.monotonic() > end:
                        smtp = None
                        with self.lock:
                            self.failed[message[0]] = error
                        break
                    time.sleep(0.05)
            if self.pause:
                time.sleep(self.pause)
        self._quit(smtp)

    def _one(self, smtp, message, connected):
        begun = time.monotonic()
        message_id, sender, recipients, data = message
        try:
            queue_id = transaction(smtp, data, sender, recipients)
        except smtplib.SMTPServerDisconnected:
            with self.lock:
                self.doubtful.add(message_id)
            raise
        with self.lock:
            self.accepted[message_id] = queue_id
            self.times[message_id] = (connected, begun, time.monotonic())

    def _after_error(self, smtp, message_id, error):
        """The connection to go on with, None for a new one, False to stop."""
        with self.lock:
            self.retried[message_id] = self.retried.get(message_id, 0) + 1
        code = getattr(error, "smtp_code", 0)
        if isinstance(error, smtplib.SMTPServerDisconnected) or not code:
            return None
        if 500 <= code < 600:
            self._quit(smtp)
            return False
        if code == 421:
            return None
        return smtp

    def _reconnect(self, old):
        self._quit(old)
        return smtplib.SMTP("127.0.0.1", self.port, timeout=60)

    @staticmethod
    def _quit(smtp):
        if smtp is not None and smtp is not False:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                pass
