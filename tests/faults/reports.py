# SPDX-License-Identifier: BSD-2-Clause
"""Mail that bounces, so that Postfix has reports for mailtrail-feed, and the
way on which they come to it; and mail that Postfix redirects, which it logs
before it gives the message an id."""

import smtplib
import threading
import time

from tests.lib.client import html_message
from tests.lib.process import free_port, wait_for
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
    """Arguments of Postfix: bounces go to feed at that socket, mail for
    bad.example to a server that knows nobody; mail for moved.example is
    redirected, and then it takes two seconds until it has its queue id."""
    port = free_port()
    return {"services": SERVICES.format(port=port), "settings": {
        "transport_maps": f"inline:{{ example.org=lmtp:unix:{socket}, "
        f"bad.example=smtp:[127.0.0.1]:{port}, gone.example=discard: }}",
        "smtpd_recipient_restrictions":
        "check_recipient_access inline:{ { moved.example = "
        "REDIRECT nobody@gone.example } }, "
        "check_recipient_access inline:{ { moved.example = sleep 2 } }"}}


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


class Sender:
    """Sends one message after the other, between start() and stop(), by each
    of its clients.

    asked: each recipient of those that were taken, and the queue id; in doubt
    are those of messages whose sender could not know it.
    """

    kind, domain, pause, most, clients = None, None, 0.05, 1, 1

    def __init__(self, port, name):
        self.port, self.name = port, name
        self.asked, self.doubtful = {}, set()
        self.taken = {}  # queue id -> time.monotonic()
        self.asking = {}  # client's number -> when it named its recipients
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(i,),
                                          daemon=True)
                         for i in range(self.clients)]

    def start(self):
        for t in self._threads:
            t.start()
        return self

    def end(self):
        """Begin no other message."""
        self._ending.set()

    def stop(self):
        self.end()
        for t in self._threads:
            t.join()

    def _work(self, client):
        n = client
        self._ending.wait(0.7 * client)  # not all at the same time
        while not self._ending.wait(self.pause):
            n += self.clients
            addresses = [f"{self.kind}{n}.{k}.{self.name}@{self.domain}"
                         for k in range(1 + n % self.most)]
            try:
                self._send(client, n, addresses)
            except (OSError, smtplib.SMTPException):
                self.doubtful.update(addresses)
            finally:
                self.asking.pop(client, None)

    def _send(self, client, n, addresses):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as c:
            c.ehlo()
            c.mail(SENDER)
            self.asking[client] = time.monotonic()
            for a in addresses:
                if c.rcpt(a)[0] != 250:
                    raise smtplib.SMTPException("refused")
            code, text = c.data(html_message(
                f"<{self.kind}.{n}.{self.name}@example.org>", SENDER,
                addresses))
            if code != 250:
                raise smtplib.SMTPException(text)
            queue_id = text.decode().partition("queued as ")[2].split()[0]
        self.taken[queue_id] = time.monotonic()
        self.asked.update((a, queue_id) for a in addresses)


class Bounces(Sender):
    """Each recipient has to be reported on, once."""

    kind, domain, pause, most = "b", "bad.example", 0.25, 2

    def __init__(self, port, name):
        super().__init__(port, name)
        self.fed = []  # of reports that did not come through Postfix


class Redirects(Sender):
    """Of each message the log says that it was redirected; at any moment some
    wait for their id."""

    kind, domain, clients = "m", "moved.example", 3

    def wait_logged(self):
        """Until the log has said so of one, a second ago, and is to give its
        id: then mailtrail-tail has read and noted that."""
        wait_for(lambda: any(1.2 < time.monotonic() - at < 1.8
                             for at in list(self.asking.values())), 20,
                 "a message that is being redirected")


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
