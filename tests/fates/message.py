# SPDX-License-Identifier: BSD-2-Clause
"""A message of a run, and what is meant to become of each of its recipients.

A fate is a function that fills in a Message, and how many of a thousand have
it. All of them stand in fates/.
"""

import dataclasses
import random

FATES = {}  # name -> (weight, function)


def fate(weight):
    def put(function):
        assert function.__name__ not in FATES, "two fates of one name"
        FATES[function.__name__] = (weight, function)
        return function
    return put


@dataclasses.dataclass
class Final:
    """An address that Postfix delivers to."""
    address: str
    word: str        # what is meant to become of it under this queue id
    seen: str = None  # as what a receiver has it; None: the address


@dataclasses.dataclass
class Rcpt:
    """A recipient that the client gives."""
    address: str
    word: str        # what is meant to become of it
    finals: list     # under its queue id; empty when it never gets so far


@dataclasses.dataclass
class Message:
    n: int
    fate: str
    random: random.Random
    sender: str = ""
    rcpts: list = dataclasses.field(default_factory=list)
    extra: list = dataclasses.field(default_factory=list)  # Final, unasked
    headers: list = dataclasses.field(default_factory=list)
    body: str = "Nothing much.\r\n"
    message_id: str = ""   # None: no such header
    port: str = "mx"       # or "sendmail", which is no port
    helo: str = "client.test"
    mail_options: str = ""
    rcpt_options: str = ""
    act: str = None        # what the administrator does: a flag of postsuper
    leave: str = None      # where the client goes away: "rcpt" or "data"
    left: bool = False     # sent last, and still there at the end

    @property
    def name(self):
        """The X-Fate header, which is in each address, too."""
        return f"n{self.n}"

    def say_from(self, word):
        self.sender = f"{word}.{self.name}@senders.test"

    def add(self, address, word, finals=None):
        """A recipient; it is its own final address unless told others."""
        if finals is None:
            finals = [Final(address, word)]
        self.rcpts.append(Rcpt(address, word, finals))

    def to(self, rule, word, domain="sink.test", part="."):
        """A recipient whose address says what becomes of it."""
        self.add(f"{rule}{part}{self.name}.{len(self.rcpts)}@{domain}", word)

    def never(self, word, count=None):
        """Recipients of a message that is not delivered to anybody."""
        for _ in range(count or self.random.randint(1, 2)):
            self.add(f"ok.{self.name}.{len(self.rcpts)}@sink.test", word, [])

    def some(self, word="delivered", most=3, **kwargs):
        for _ in range(self.random.randint(1, most)):
            self.to("ok", word, **kwargs)

    def data(self):
        head = [f"X-Fate: {self.name}", "From: somebody <x@senders.test>",
                f"Subject: {self.fate} {self.n}", *self.headers]
        if self.message_id is not None:
            head.append("Message-ID: "
                        + (self.message_id or f"<{self.name}@fates.test>"))
        return ("\r\n".join(head) + "\r\n\r\n" + self.body).encode()
