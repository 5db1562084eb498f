#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""An SMTP server that keeps every message it accepts: the far end of a test.

Run as a program, so that it outlives who started it and cannot be slowed by
it. Before "250" is answered, the message stands in DIR/<n>.eml and one line
of JSON in DIR/index.jsonl: envelope, Message-ID, SHA-256 of the body, time.
A recipient whose local part begins with "refuse" is answered 550, "defer"
450, so that tests have bounces and delays without another server.
"""

import argparse
import asyncio
import email.parser
import email.policy
import hashlib
import json
import os
import re
import signal
import socket
import time

if __package__:
    from .process import Process, answers, free_port, wait_for

LINE = 64 * 1024 * 1024
LIMIT = 64 * 1024 * 1024


class Store:
    """The directory: one file a message, one line an envelope."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.index = open(os.path.join(directory, "index.jsonl"), "a",
                          encoding="utf-8", buffering=1)
        self.n = len([f for f in os.listdir(directory) if f.endswith(".eml")])

    def add(self, sender, recipients, data):
        self.n += 1
        name = f"{self.n}.eml"
        with open(os.path.join(self.directory, name), "wb") as f:
            f.write(data)
        header, _, body = data.partition(b"\r\n\r\n")
        fields = email.parser.BytesHeaderParser(
            policy=email.policy.compat32).parsebytes(header)
        self.index.write(json.dumps({
            "file": name, "at": time.time(), "sender": sender,
            "recipients": recipients,
            "message_id": str(fields.get("Message-ID", "")).strip(),
            "queue_id": queue_id(fields),
            "body_sha256": hashlib.sha256(body).hexdigest()}) + "\n")
        return self.n


def queue_id(fields):
    """The id in the topmost Received header: that of who delivered."""
    match = re.search(r"\bid (\w+)", str(fields.get("Received", "")))
    return match[1] if match else None


# A path between angle brackets; a quoted local part may hold one.
PATH = r':\s*<((?:"(?:[^"\\]|\\.)*"|[^">])*)>'


class Session:
    """One client's dialogue, RFC 5321 as far as a server must."""

    extensions = ("PIPELINING", f"SIZE {LIMIT}", "8BITMIME", "SMTPUTF8",
                  "ENHANCEDSTATUSCODES", "DSN")

    def __init__(self, store, reader, writer):
        self.store, self.reader, self.writer = store, reader, writer
        self.reset()

    def reset(self):
        self.sender, self.recipients = None, []

    async def run(self):
        self.say("220 sink.example ESMTP")
        while True:
            await self.writer.drain()
            line = await self.reader.readline()
            if not line:
                return
            verb, _, rest = line.decode("utf-8", "replace").strip() \
                .partition(" ")
            action = getattr(self, "do_" + verb.lower(), None)
            if action is None:
                self.say("500 5.5.1 no such command")
            elif await action(rest) == "quit":
                await self.writer.drain()
                return

    def say(self, line):
        self.writer.write(line.encode() + b"\r\n")

    def refusal(self, address):
        """What the recipient is answered instead of 250, or None."""
        if address.startswith("refuse"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("defer"):
            return "450 4.2.0 try later"
        return None

    def refusal_of_data(self):
        """The same for a whole message, or None."""
        return None

    async def do_ehlo(self, _):
        self.reset()
        for word in ("sink.example", *self.extensions[:-1]):
            self.say(f"250-{word}")
        self.say(f"250 {self.extensions[-1]}")

    async def do_helo(self, _):
        self.reset()
        self.say("250 sink.example")

    async def do_mail(self, rest):
        match = re.match("FROM" + PATH, rest, re.I)
        if match is None:
            return self.say("501 5.5.4 MAIL FROM:<address>")
        self.reset()
        self.sender = match[1]
        self.say("250 2.1.0 ok")

    async def do_rcpt(self, rest):
        match = re.match("TO" + PATH, rest, re.I)
        if self.sender is None or match is None or not match[1]:
            return self.say("503 5.5.1 after MAIL, RCPT TO:<address>")
        refusal = self.refusal(match[1])
        if refusal is not None:
            return self.say(refusal)
        self.recipients.append(match[1])
        self.say("250 2.1.5 ok")

    async def do_data(self, _):
        if not self.recipients:
            return self.say("503 5.5.1 no recipients")
        self.say("354 go ahead")
        await self.writer.drain()
        lines, size = [], 0
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("the client went away inside DATA")
            if line == b".\r\n":
                break
            if line.startswith(b"."):
                line = line[1:]
            size += len(line)
            if size <= LIMIT:
                lines.append(line)
        if size > LIMIT:
            self.say("552 5.3.4 too large")
        elif (refusal := self.refusal_of_data()) is not None:
            self.say(refusal)
        else:
            n = self.store.add(self.sender, self.recipients, b"".join(lines))
            self.say(f"250 2.0.0 kept as {n}")
        self.reset()

    async def do_rset(self, _):
        self.reset()
        self.say("250 2.0.0 ok")

    async def do_noop(self, _):
        self.say("250 2.0.0 ok")

    async def do_quit(self, _):
        self.say("221 2.0.0 bye")
        return "quit"


async def serve(port, store, session=Session):
    async def client(reader, writer):
        try:
            await session(store, reader, writer).run()
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(
        client, "127.0.0.1", port, limit=LINE, backlog=200,
        family=socket.AF_INET)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        await stop.wait()


class Sink:
    """The program above, and what it has kept."""

    def __init__(self, lab, name="sink", port=None):
        self.directory = lab.subdir(name)
        self.mail = os.path.join(self.directory, "mail")
        self.port = port or free_port()
        self.process = Process(name, [
            "/usr/bin/python3", os.path.abspath(__file__),
            "--port", str(self.port), "--directory", self.mail],
            self.directory)
        lab.add(self)

    def start(self):
        self.process.start(
            lambda: answers(("127.0.0.1", self.port), b"220 "))
        return self

    def stop(self):
        return self.process.stop()

    def envelopes(self):
        """What index.jsonl says, one dict a message, oldest first."""
        try:
            with open(os.path.join(self.mail, "index.jsonl"),
                      encoding="utf-8") as f:
                return [json.loads(line) for line in f
                        if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def data(self, envelope):
        """The message's bytes as they came."""
        with open(os.path.join(self.mail, envelope["file"]), "rb") as f:
            return f.read()

    def find(self, message_id):
        return [e for e in self.envelopes() if e["message_id"] == message_id]

    def wait(self, message_id, timeout=20.0):
        """The envelope of the first copy of that message."""
        return wait_for(lambda: self.find(message_id), timeout,
                        f"{message_id} in the sink")[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.port, Store(options.directory)))
