# SPDX-License-Identifier: BSD-2-Clause
"""Mail that bounces, so that Postfix has reports for mailtrail-feed, and the
way on which they come to it."""

import smtplib
import threading
import time

from tests.lib.client import html_message
from tests.lib.process import free_port
from tests.lib.proxy import Proxy

from .load import SENDER

SERVICES = """\
lmtp       unix  -       -       n       -       -       lmtp
127.0.0.1:{port} inet n  -       n       -       -       smtpd
  -o syslog_name=postfix/elsewhere
  -o smtpd_milters=
  -o {{ smtpd_recipient_restrictions =
    check_recipient_access static:{{550 5.1.1 no such user}} }}
"""


def postfix(socket):
    """Arguments of Postfix: bounces go to feed at that socket, and mail for
    bad.example to a server that knows nobody."""
    port = free_port()
    return {"services": SERVICES.format(port=port), "settings": {
        "transport_maps": f"inline:{{ example.org=lmtp:unix:{socket}, "
        f"bad.example=smtp:[127.0.0.1]:{port} }}"}}


class Way(Proxy):
    """Between Postfix's lmtp and feed. on_answer, when set, is called once,
    instead of passing on that a report was taken."""

    on_answer = None

    def _answer(self, client, data):
        if self.on_answer is not None and b"taken notices=" in data:
            act, self.on_answer = self.on_answer, None
            act()
            raise ConnectionAbortedError
        super()._answer(client, data)


class Bounces:
    """A few messages a second that bounce, between start() and stop().

    asked has each recipient that has to be reported on, once; in doubt are
    those of messages whose sender could not know whether they were taken.
    """

    def __init__(self, port, name, rate=4.0):
        self.port, self.name, self.rate = port, name, rate
        self.asked, self.doubtful = {}, set()  # address -> queue id
        self.fed = []  # of reports that did not come through Postfix
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._ending.set()
        self._thread.join()

    def _work(self):
        n = 0
        while not self._ending.wait(1 / self.rate):
            n += 1
            addresses = [f"b{n}.{k}.{self.name}@bad.example"
                         for k in range(1 + n % 2)]
            try:
                self._send(n, addresses)
            except (OSError, smtplib.SMTPException):
                self.doubtful.update(addresses)

    def _send(self, n, addresses):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as c:
            c.ehlo()
            c.mail(SENDER)
            for a in addresses:
                if c.rcpt(a)[0] != 250:
                    raise smtplib.SMTPException("refused")
            code, text = c.data(html_message(
                f"<bounce.{n}.{self.name}@example.org>", SENDER, addresses))
            if code != 250:
                raise smtplib.SMTPException(text)
            queue_id = text.decode().partition("queued as ")[2].split()[0]
        self.asked.update((a, queue_id) for a in addresses)


REPORT = """\
From: mailer-daemon@far.example
To: {sender}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{name}@far.example>
Date: {date}
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Alas.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; far.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
--b
Content-Type: text/rfc822-headers

Message-ID: <m.{name}@example.org>
--b--
"""


def report(name, address):
    """A report from elsewhere, as a client of LMTP has it."""
    return REPORT.format(
        sender=SENDER, name=name, address=address,
        date=time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()),
    ).replace("\n", "\r\n").encode()
