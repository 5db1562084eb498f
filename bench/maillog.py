# SPDX-License-Identifier: BSD-2-Clause
"""A mail log as a busy host writes it: long queue ids, all fates.

One to three recipients a message; most are delivered, some are deferred
first, bounce, expire, are refused or held. Lines stand in the order of their
times, those of many messages mixed.
"""

import random
import time

from tests.lib.events import long_queue_id

HOST = "mx1"
DOMAINS = [f"domain{i}.example" for i in range(400)]
RELAYS = [(f"mx.{d}", f"198.51.{i // 200}.{i % 200 + 1}")
          for i, d in enumerate(DOMAINS)]


class _Writer:

    def __init__(self, seed, start):
        self.random = random.Random(seed)
        self.at = start
        self.lines = []  # (µs, ordinal, tag, text)

    def line(self, at, tag, text):
        self.lines.append((at, len(self.lines), tag, text))

    def pid(self, process):
        return f"postfix/{process}[{self.random.randrange(2000, 2060)}]"

    def delivery(self, at, rcpt, relay, status):
        r = self.random
        delay = r.random() * 4
        delays = f"delays={delay * .3:.2f}/0.01/{delay * .2:.2f}/" \
            f"{delay * .5:.2f}"
        if status == "sent":
            dsn, said = "2.0.0", "(250 2.0.0 Ok: queued as " \
                f"{long_queue_id(at, r.randrange(1, 10 ** 6))})"
        elif status == "deferred":
            dsn, said = "4.7.1", f"(host {relay[0]}[{relay[1]}] said: 450 " \
                f"4.7.1 <{rcpt}>: Recipient address rejected: Greylisted, " \
                "see https://help.example/greylist (in reply to RCPT TO " \
                "command))"
        else:
            dsn, said = "5.1.1", f"(host {relay[0]}[{relay[1]}] said: 550 " \
                f"5.1.1 <{rcpt}>: Recipient address rejected: User unknown " \
                "in virtual mailbox table (in reply to RCPT TO command))"
        return f"to=<{rcpt}>, relay={relay[0]}[{relay[1]}]:25, " \
            f"delay={delay:.2f}, {delays}, dsn={dsn}, status={status} {said}"

    def deliver(self, at, qid, rcpts, fate):
        """When the last attempt of them was."""
        r = self.random
        for rcpt in rcpts:
            relay = RELAYS[DOMAINS.index(rcpt.partition("@")[2])]
            t = at + r.randrange(200_000, 3_000_000)
            if fate in ("deferred", "expired"):
                self.line(t, self.pid("smtp"), f"{qid}: " + self.delivery(
                    t, rcpt, relay, "deferred"))
                t += 300_000_000
            if fate != "expired":
                status = "bounced" if fate == "bounced" else "sent"
                self.line(t, self.pid("smtp"), f"{qid}: " + self.delivery(
                    t, rcpt, relay, status))
            at = max(at, t - 2_000_000)
        return at + 3_000_000

    def refused(self, client):
        r = self.random
        sender, rcpt = f"s{r.randrange(9999)}@spam.example", \
            f"nobody{r.randrange(999)}@{r.choice(DOMAINS)}"
        tag = self.pid("smtpd")
        self.line(self.at, tag, f"connect from {client}")
        self.line(self.at + 90_000, tag, f"NOQUEUE: reject: RCPT from "
                  f"{client}: 550 5.1.1 <{rcpt}>: Recipient address "
                  "rejected: User unknown in virtual mailbox table; "
                  f"from=<{sender}> to=<{rcpt}> proto=ESMTP "
                  f"helo=<{client.partition('[')[0]}>")
        self.line(self.at + 99_000, tag, f"disconnect from {client} ehlo=1 "
                  "mail=1 rcpt=0/1 quit=1 commands=3/4")

    def notification(self, at, qid, sender):
        other = long_queue_id(at, self.random.randrange(1, 10 ** 6))
        self.line(at, self.pid("cleanup"), f"{other}: message-id=<"
                  f"20261120.{other}@{HOST}.example.org>")
        self.line(at, self.pid("bounce"), f"{qid}: sender non-delivery "
                  f"notification: {other}")
        self.line(at, "postfix/qmgr[1999]", f"{other}: from=<>, size=3011, "
                  "nrcpt=1 (queue active)")
        self.line(at + 400_000, self.pid("virtual"), f"{other}: to=<{sender}>"
                  ", relay=virtual, delay=0.4, delays=0.1/0/0/0.3, "
                  "dsn=2.0.0, status=sent (delivered to maildir)")
        self.line(at + 400_000, "postfix/qmgr[1999]", f"{other}: removed")

    def message(self):
        r = self.random
        self.at += r.randrange(2_000, 30_000)
        at, n = self.at, r.randrange(1, 255)
        client = f"client{n}.example.net[203.0.113.{n}]"
        if r.random() < 0.04:
            self.refused(client)
            return
        qid = long_queue_id(at, r.randrange(1, 10 ** 6))
        sender = f"user{r.randrange(3000)}@example.org"
        rcpts = [f"person{r.randrange(10000)}@{r.choice(DOMAINS)}"
                 for _ in range(r.choice((1, 1, 1, 2, 3)))]
        fate = r.choices(("sent", "deferred", "bounced", "expired", "held"),
                         (86, 7, 5, 1, 1))[0]
        tag = self.pid("smtpd")
        self.line(at - 50_000, tag, f"connect from {client}")
        self.line(at, tag, f"{qid}: client={client}, sasl_method=PLAIN, "
                  f"sasl_username={sender}")
        self.line(at + 20_000, self.pid("cleanup"), f"{qid}: message-id="
                  f"<{at:x}.{n}@example.org>")
        if fate == "held":
            self.line(at + 21_000, self.pid("cleanup"), f"{qid}: hold: "
                      f"header Subject: news from {client}; from=<{sender}> "
                      f"to=<{rcpts[0]}> proto=ESMTP helo=<client{n}>")
        else:
            self.line(at + 30_000, "postfix/qmgr[1999]", f"{qid}: from="
                      f"<{sender}>, size={r.randrange(900, 90000)}, "
                      f"nrcpt={len(rcpts)} (queue active)")
        self.line(at + 60_000, tag, f"disconnect from {client} ehlo=2 "
                  f"starttls=1 auth=1 mail=1 rcpt={len(rcpts)} data=1 "
                  f"quit=1 commands={7 + len(rcpts)}")
        if fate == "held":
            return
        end = self.deliver(at, qid, rcpts, fate)
        if fate == "expired":
            end += 600_000_000
            self.line(end, "postfix/qmgr[1999]", f"{qid}: from=<{sender}>, "
                      "status=expired, returned to sender")
        if fate in ("expired", "bounced"):
            self.notification(end, qid, sender)
        self.line(end + 500_000, "postfix/qmgr[1999]", f"{qid}: removed")


def write(path, n, seed=1, start=1_795_000_000_000_000):
    """At least n lines into a file of classic syslog; how many there are.

    start is in µs; the file's time is that of its last line.
    """
    writer = _Writer(seed, start)
    while len(writer.lines) < n:
        writer.message()
    writer.lines.sort()
    second, stamp = None, ""
    with open(path, "w", encoding="ascii") as f:
        for at, _, tag, text in writer.lines:
            if at // 1_000_000 != second:
                second = at // 1_000_000
                stamp = time.strftime("%b %e %H:%M:%S",
                                      time.localtime(second))
            f.write(f"{stamp} {HOST} {tag}: {text}\n")
    return len(writer.lines)
