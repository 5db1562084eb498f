# SPDX-License-Identifier: BSD-2-Clause
"""Events as producers record them, made up but reproducible."""

import datetime
import random

# Postfix's base 52: digits, then letters without vowels; 'z' separates.
DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
CLASSES = ("human_likely", "proxied_possible", "prefetch", "scanner", "bot",
           "self", "unknown")
EVENT_TABLES = ("ev_offer", "ev_rcpt", "ev_mark", "ev_open")
FOLDED_TABLES = ("message", "recipient", "token", "open_day", "message_open",
                 "counter")
TABLES = EVENT_TABLES + FOLDED_TABLES
# What the log, rspamd and later reports say, and what becomes of it.
LOG_TABLES = ("ev_queue", "ev_deliver", "ev_reject", "ev_scan")
TRAIL_TABLES = ("message", "recipient", "delivery", "tie")


def text_time(us):
    """Microseconds since 1970 as RFC 3339, as events have it."""
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now_us():
    at = datetime.datetime.now(datetime.timezone.utc)
    return int(at.timestamp() * 1_000_000)


def base52(n, width):
    out = ""
    while n or len(out) < width:
        out = DIGITS[n % 52] + out
        n //= 52
    return out


def long_queue_id(us, inode):
    return base52(us // 1_000_000, 6) + base52(us % 1_000_000, 4) + "z" \
        + base52(inode, 1).replace("z", "y")


def event(kind, /, **fields):
    """The pairs of one event, in the order of a stream entry."""
    pairs = {"v": "1", "t": kind}
    pairs.update((k, str(v)) for k, v in fields.items() if v is not None)
    return pairs


def offer(at, host, queue_id, **fields):
    known = {"sender": "alice@example.org", "nrcpt": 1, "size": 1234,
             "mode": "pseudonymous", "level": "domain", "reason": "done"}
    known.update(fields)
    return event("offer", at=text_time(at), host=host, queue_id=queue_id,
                 **known)


def rcpt(at, host, queue_id, address, **fields):
    return event("rcpt", at=text_time(at), host=host, queue_id=queue_id,
                 rcpt=address, **fields)


def mark(at, host, queue_id, token, mode="pseudonymous"):
    return event("mark", at=text_time(at), host=host, queue_id=queue_id,
                 token=token, mode=mode)


def opened(at, token, kind="human_likely", host="px.example.org", twin=0,
           **fields):
    known = {"class": kind, "certainty": "probable", "rules": 1}
    known.update(fields)
    return event("open", at=text_time(at), token=token, host=host, twin=twin,
                 **known)


def queue(at, host, queue_id, step, line=0, **fields):
    return event("queue", at=text_time(at), host=host, queue_id=queue_id,
                 line=line, step=step, **fields)


def deliver(at, host, queue_id, address, outcome="sent", line=0, **fields):
    return event("deliver", at=text_time(at), host=host, queue_id=queue_id,
                 line=line, rcpt=address, outcome=outcome, **fields)


def reject(at, host, line=0, action="reject", judge="smtpd", **fields):
    return event("reject", at=text_time(at), host=host, line=line,
                 action=action, judge=judge, **fields)


def scan(at, host, queue_id, action="no action", twin=0, **fields):
    known = {"score": "1.5", "required": "15"}
    known.update(fields)
    return event("scan", at=text_time(at), host=host, queue_id=queue_id,
                 twin=twin, action=action, **known)


class Run:
    """A reproducible run of about n events, in the order they happen.

    Long and short queue ids, a queue id offered twice, null senders, odd
    addresses, several recipients and tokens a message, opens of unknown
    tokens, opens a day after and a minute before the message.
    """

    def __init__(self, n, seed=1, start=None):
        self.random = random.Random(seed)
        self.start = now_us() - 6 * 3600 * 1_000_000 if start is None \
            else start
        self.events = []
        self.messages = 0
        while len(self.events) < n:
            self._message(self.messages)
            self.messages += 1

    def _sender(self):
        r = self.random
        if r.random() < 0.05:
            return ""
        if r.random() < 0.05:
            return r.choice(["Root", "\"a b\"@Example.ORG", "<>",
                             "j\u00f6rg@b\u00fccher.example",
                             "x@" + "d" * 250 + ".example.org"])
        return f"User{r.randrange(50)}@dom{r.randrange(5)}.example.org"

    def _message(self, i):
        r = self.random
        at = self.start + i * 100_000 + r.randrange(90_000)
        host = r.choice(["mx1.example.org", "mx2.example.org"])
        queue_id = long_queue_id(at - 50_000, r.randrange(1, 10 ** 6)) \
            if r.random() < 0.8 else f"{r.randrange(16 ** 10):010X}"
        addresses = [f"rcpt{r.randrange(10 ** 6)}@example.com"
                     for _ in range(r.choice([1, 1, 1, 2, 3]))]
        marked = r.random() < 0.6
        self._offer(at, host, queue_id, addresses, marked)
        if r.random() < 0.02:  # offered once more under the same id
            self._offer(at + 1_000_000, host, queue_id, addresses, False)
        if marked:
            for _ in range(r.choice([1, 1, 1, 2])):
                self._mark(at, host, queue_id)

    def _offer(self, at, host, queue_id, addresses, marked):
        r = self.random
        self.events.append(offer(
            at, host, queue_id, sender=self._sender(), nrcpt=len(addresses),
            size=r.randrange(100, 10 ** 6), subject=f"Subject {at} \u2713",
            message_id=f"{at}@example.org", client="2001:db8::1",
            mode="pseudonymous" if marked else "off",
            reason="done" if marked else r.choice(["off", "plain", "signed"])))
        for address in addresses:
            self.events.append(rcpt(at, host, queue_id, address,
                                    mode=r.choice([None, "anonymous"])))

    def _mark(self, at, host, queue_id):
        r = self.random
        token = f"{r.getrandbits(128):032x}"
        self.events.append(mark(at, host, queue_id, token))
        if r.random() < 0.05:
            token = f"{r.getrandbits(128):032x}"  # a mark that was lost
        for _ in range(r.choice([0, 0, 1, 1, 2, 5])):
            after = r.choice([-60, 1, 600, 3600, 90000, 3 * 86400])
            self.events.append(opened(
                at + after * 1_000_000 + r.randrange(10 ** 6), token,
                kind=r.choice(CLASSES), twin=r.getrandbits(32),
                fingerprint=f"{r.getrandbits(128):032x}",
                country=r.choice([None, "DE", "AT"])))

    def shuffled(self, seed=2, repeats=0.3):
        """The same events in another order, some of them twice."""
        r = random.Random(seed)
        events = list(self.events)
        events += [e for e in self.events if r.random() < repeats]
        r.shuffle(events)
        return events


def add(redis, stream, events, group="mailtrail"):
    """Put events into a stream as the shipper does; the ids."""
    with redis.connect() as c:
        try:
            c.xgroup_create(stream, group, id="0", mkstream=True)
        except Exception as error:  # redis.exceptions.ResponseError
            if "BUSYGROUP" not in str(error):
                raise
        ids = []
        for i in range(0, len(events), 1000):
            with c.pipeline(transaction=False) as pipe:
                for e in events[i:i + 1000]:
                    pipe.xadd(stream, e)
                ids += pipe.execute()
        return ids


def dump(mariadb, database, tables=TABLES):
    """Every row of the tables, in an order of its own.

    A counter that has come back to 0 is as good as none.
    """
    def rows(table):
        where = "WHERE n > 0" if table == "counter" else ""
        return sorted(mariadb.query(f"SELECT * FROM `{table}` {where}",
                                    database=database), key=repr)

    return {t: rows(t) for t in tables}
