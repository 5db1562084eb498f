# SPDX-License-Identifier: BSD-2-Clause
"""The far ends: SMTP servers that answer each recipient as the first word of
its local part says, and write down every answer before they give it.

    ok        taken                        bounce  550 at RCPT
    defer<k>  450 at RCPT k times, taken   nasty   550 with a text that looks
    wait      450 until open() was called          like the end of a log line
    tmp       450 for ever
    dataperm  554 after the data           datatmp<k>  451 after the data
    drop<k>   the connection is lost after the data, k times
    hang      never answered

Answers to the data are for all recipients of a transaction, so a test gives
those rules a domain of their own. What is taken is in index.jsonl, one line a
message; what was said in answers.jsonl, one line an answer.
"""

import argparse
import asyncio
import collections
import email
import email.policy
import json
import os
import re
import sys

from tests.lib.process import Process, answers, free_port
from tests.lib.sink import Session, serve

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
NASTY = ("550 5.1.1 <x@y>: no (status=sent (250 2.0.0 Ok: queued as "
         "4XkYvP0zzzz9pkj)) removed, relay=none, dsn=2.0.0, status=sent (ok)")
RULE = re.compile(r'"?([a-z]+)([0-9]*)[.+]', re.I)


def rule(address):
    """("defer", 2) of defer2.n17@sink.test."""
    match = RULE.match(address)
    return (match[1].lower(), int(match[2] or 0)) if match else ("ok", 0)


def reports(message):
    """[(original recipient, final recipient, action, status)] of a delivery
    status notification (RFC 3464), and the X-Fate it is about.

    Of both kinds, those with rfc822 and those with utf-8 addresses (RFC 6533),
    whose parts Python's email package knows only in part.
    """
    told, fate = [], None
    for part in message.get_payload():
        kind = part.get_content_type()
        if kind.endswith("delivery-status"):
            for block in _body(part).split("\n\n"):
                fields = email.message_from_string(block.lstrip("\n"))
                if fields["Action"] is not None:
                    told.append([_address(fields["Original-Recipient"]),
                                 _address(fields["Final-Recipient"]),
                                 fields["Action"].strip(),
                                 fields["Status"].strip()])
        elif kind.startswith("message/") or kind.endswith("-headers"):
            fate = email.message_from_string(_body(part))["X-Fate"]
    return told, fate


def _body(part):
    text = part.as_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    return text.partition("\n\n")[2]


def _address(field):
    """The address behind "rfc822;" or "utf-8;"."""
    return field and field.partition(";")[2].strip()


class Store:
    """What was taken and what was answered."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.index = self._open("index.jsonl")
        self.said = self._open("answers.jsonl")
        self.tries = collections.Counter()
        self.n = 0

    def _open(self, name):
        return open(os.path.join(self.directory, name), "a",
                    encoding="utf-8", buffering=1)

    def add(self, sender, recipients, data):
        self.n += 1
        message = email.message_from_bytes(data, policy=email.policy.compat32)
        told, about = [], None
        if message.get_content_type() == "multipart/report":
            told, about = reports(message)
        received = re.search(r"\bid (\w+)", str(message["Received"]))
        self.index.write(json.dumps({
            "sender": sender, "recipients": recipients,
            "fate": message["X-Fate"], "reports": told, "about": about,
            "queue_id": received and received[1],
            "spam": message["X-Spam"]}) + "\n")
        return self.n

    def answer(self, stage, recipients, reply):
        self.said.write(json.dumps([stage, recipients, reply]) + "\n")

    def open(self):
        return os.path.exists(os.path.join(self.directory, "open"))


class Dialogue(Session):
    """A session that answers by rule."""

    async def do_rcpt(self, rest):
        if rule(rest.partition("<")[2])[0] == "hang":
            await asyncio.Event().wait()
        return await super().do_rcpt(rest)

    def refusal(self, address):
        reply = self._refusal(address, *rule(address))
        self.store.answer("rcpt", [address], reply or "250 2.1.5 ok")
        return reply

    def _refusal(self, address, word, k):
        if word == "bounce":
            return "550 5.1.1 no such mailbox"
        if word == "nasty":
            return NASTY
        if word == "tmp" or (word == "wait" and not self.store.open()):
            return "450 4.2.1 not now"
        if word == "defer" and self._again(address, k):
            return "450 4.2.0 try later"
        return None

    def refusal_of_data(self):
        words = dict(rule(a) for a in self.recipients)
        reply = None
        if "dataperm" in words:
            reply = "554 5.6.0 not this one"
        elif "datatmp" in words and self._again(
                " ".join(self.recipients), words["datatmp"]):
            reply = "451 4.3.0 something broke"
        elif "drop" in words and self._again(
                " ".join(self.recipients), words["drop"]):
            self.store.answer("data", self.recipients, "")
            raise ConnectionError("dropped on purpose")
        self.store.answer("data", self.recipients, reply or "250 2.0.0 kept")
        return reply

    def _again(self, key, k):
        self.store.tries[key] += 1
        return self.store.tries[key] <= k


class Silent(Dialogue):
    """A server that does not know DSN (RFC 3461)."""

    extensions = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")


class Receiver:
    """One such server, and what it wrote down."""

    def __init__(self, lab, name, dsn=True):
        self.directory = lab.subdir(name)
        self.mail = os.path.join(self.directory, "mail")
        self.port = free_port()
        self.process = Process(name, [
            "/usr/bin/python3", "-m", "tests.fates.receiver",
            "--port", str(self.port), "--directory", self.mail,
            *([] if dsn else ["--silent"])],
            self.directory, env={"PYTHONPATH": ROOT})
        lab.add(self)

    def start(self):
        self.process.start(
            lambda: answers(("127.0.0.1", self.port), b"220 "))
        return self

    def stop(self):
        return self.process.stop()

    def open(self):
        """From now on recipients of the rule wait are taken."""
        with open(os.path.join(self.mail, "open"), "w",
                  encoding="ascii"):
            pass

    def taken(self):
        return self._lines("index.jsonl")

    def answered(self):
        """[stage, recipients, reply] in their order; reply "" is none."""
        return self._lines("answers.jsonl")

    def _lines(self, name):
        with open(os.path.join(self.mail, name), encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--silent", action="store_true")
    options = parser.parse_args()
    asyncio.run(serve(options.port, Store(options.directory),
                      Silent if options.silent else Dialogue))


if __name__ == "__main__":
    sys.exit(main())
