# SPDX-License-Identifier: BSD-2-Clause
"""What arrived: every copy the sink was given, compared with what was sent;
and readers, who open some of those that are marked."""

import dataclasses
import email
import email.policy
import http.client
import json
import os
import queue
import random
import re
import threading
import time

from tests.lib.system import AGENT

MARK = re.compile(rb"^X-Mailtrail-Mark:\s*([0-9a-f]{32})\.", re.M | re.I)
PIXEL = re.compile(rb"/i/([A-Za-z0-9_-]{34})\.gif")
# What mail servers put on top, or in, without touching anything else.
ADDED = (b"received", b"dkim-signature", b"x-mailtrail-mark")


@dataclasses.dataclass
class Copy:
    message_id: str
    recipients: list
    queue_id: str     # of the server that delivered it
    token: str        # None: not marked
    pixel: str        # the pixel's path, None: not marked
    damage: str       # None: unchanged but for the mark
    at: float         # time.time() at the sink


def fields(head):
    """Header fields as they stand, folded lines and all."""
    return re.findall(rb"[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head)


def without_added(head):
    return b"".join(f for f in fields(head)
                    if f.partition(b":")[0].strip().lower() not in ADDED)


def insertion(before, after):
    """What was put into before at one place to make after, or None."""
    at, grown = 0, len(after) - len(before)
    step = len(before)
    while step:  # the longest common beginning, by halves
        while at + step <= len(before) and \
                before[at:at + step] == after[at:at + step]:
            at += step
        step //= 2
    if grown <= 0 or after[at + grown:] != before[at:]:
        return None
    return after[at:at + grown]


def leaves(data):
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    return [(p.get_content_type(), p.get_payload(decode=True))
            for p in message.walk() if not p.is_multipart()]


def damage(sent, got, marked):
    """In which way got is not what was sent, None when it is."""
    head, _, body = sent.partition(b"\r\n\r\n")
    got_head, _, got_body = got.partition(b"\r\n\r\n")
    if without_added(got_head + b"\r\n") != head + b"\r\n":
        return "another header"
    if not marked:
        return None if got_body == body else "another body without a mark"
    if b"X-Mailtrail-Mark".lower() not in got_head.lower():
        return "a pixel without a mark"
    before, after = leaves(sent), leaves(got)
    if len(before) != len(after):
        return "another number of parts"
    changed = [(b, a) for b, a in zip(before, after) if a != b]
    if len(changed) != 1:
        return f"{len(changed)} parts changed"
    (kind, b), (_, a) = changed[0]
    put = insertion(b, a)
    if kind != "text/html" or put is None or len(PIXEL.findall(put)) != 1:
        return f"changed otherwise than by one pixel in HTML: {put!r}"
    return None


class Copies:
    """Follows the sink's index while it grows.

    Every copy is compared at once; the file of a good one is removed, so that
    a long run needs no more disk than what is wrong.
    """

    def __init__(self, sink, sent, marked=lambda copy: None):
        self.sink, self.sent = sink, sent
        self.marked = marked  # is told of each marked copy
        self.all = []
        self._offset = 0
        self._missing = {}  # Message-ID -> recipients still to come
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self):
        path = os.path.join(self.sink.mail, "index.jsonl")
        self._offset = os.path.getsize(path) if os.path.exists(path) else 0
        self._thread.start()
        return self

    def stop(self):
        self._ending.set()
        self._thread.join()
        self._follow()

    def _work(self):
        while not self._ending.wait(0.05):
            self._follow()

    def _follow(self):
        try:
            with open(os.path.join(self.sink.mail, "index.jsonl"), "rb") as f:
                f.seek(self._offset)
                text = f.read()
        except FileNotFoundError:
            return
        whole = text[:text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._add(json.loads(line))

    def _add(self, envelope):
        sent = self.sent.get(envelope["message_id"])
        data = self.sink.data(envelope)
        mark, pixel = MARK.search(data), None
        head, _, _ = data.partition(b"\r\n\r\n")
        mark = MARK.search(head)
        if mark is not None:
            for _, text in leaves(data):
                pixel = pixel or PIXEL.search(text or b"")
        copy = Copy(envelope["message_id"], envelope["recipients"],
                    envelope["queue_id"], mark and mark[1].decode(),
                    pixel and f"/i/{pixel[1].decode()}.gif",
                    "nobody sent it" if sent is None else
                    damage(sent.text(), data,
                           mark is not None),
                    envelope["at"])
        self.all.append(copy)
        self._forget(sent, copy)
        if copy.damage is None:
            os.unlink(os.path.join(self.sink.mail, envelope["file"]))
        if copy.pixel is not None:
            self.marked(copy)

    def _forget(self, sent, copy):
        """A long run has no memory for what has come as a whole."""
        if sent is None or sent.again is None:
            return
        missing = self._missing.setdefault(copy.message_id,
                                           set(sent.recipients))
        missing.difference_update(copy.recipients)
        if not missing:
            sent.data = None
            # An empty set stays: copies may come twice.


@dataclasses.dataclass
class Fetch:
    token: str
    begun: float
    ended: float
    by: str      # pixel, or stand-in (the web server's own); None: no image


class Readers:
    """Fetch the pixel of about a share of the marked copies, soon."""

    def __init__(self, port, seed, share=0.5, threads=4):
        self.port, self.share = port, share
        self.fetched = []
        self._random = random.Random(f"{seed}:readers")
        self._todo = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True)
                         for _ in range(threads)]

    def start(self):
        for t in self._threads:
            t.start()
        return self

    def stop(self):
        for _ in self._threads:
            self._todo.put(None)
        for t in self._threads:
            t.join()

    def tell(self, copy):
        if self._random.random() < self.share:
            self._todo.put(copy)

    def _work(self):
        while (copy := self._todo.get()) is not None:
            begun = time.monotonic()
            by = self._fetch(copy.pixel)
            self.fetched.append(Fetch(copy.token, begun, time.monotonic(),
                                      by))

    def _fetch(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            c.request("GET", path, headers={"User-Agent": AGENT})
            r = c.getresponse()
            if r.status != 200 or not r.read().startswith(b"GIF89a"):
                return None
            return "stand-in" if r.getheader("X-Mailtrail") else "pixel"
        except (OSError, http.client.HTTPException):
            return None
        finally:
            c.close()
