# SPDX-License-Identifier: BSD-2-Clause
"""What the spool accepted, whatever became of it: every segment is kept by a
hard link, and read by code that shares nothing with lib/spool and lib/event
but what their headers say (lib/spool/format.h, lib/event/event.h)."""

import collections
import contextlib
import os
import re
import struct
import threading
import zlib

HEAD = 64
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def keys_of_events():
    """Event name -> its key fields, in events.def's order."""
    keys = {}
    with open(os.path.join(ROOT, "lib/event/events.def"),
              encoding="utf-8") as f:
        for event, field, flags in re.findall(
                r"^  FIELD\((\w+), (\w+),\s*\w+,[^,]*(?:\([^)]*\))?,\s*"
                r"([A-Z_| ]+|0),", f.read(), re.M):
            if "MT_KEY" in flags:
                keys.setdefault(event, []).append(field)
    return keys


def pairs(payload):
    """The texts of an encoded event as a dict."""
    texts, at = [], 0
    while at < len(payload):
        n = struct.unpack_from("<H", payload, at)[0]
        texts.append(payload[at + 2:at + 2 + n].decode())
        at += 2 + n
    return dict(zip(texts[::2], texts[1::2]))


def records(data, nonce, at):
    """(offset, end, payload) of each whole record from offset at on."""
    mark = nonce[:4]
    while (at := data.find(mark, at)) >= 0:
        if at + 12 > len(data):
            return
        length, total = struct.unpack_from("<II", data, at + 4)
        payload = data[at + 12:at + 12 + length]
        if len(payload) == length and length > 0 and total == zlib.crc32(
                struct.pack("<I", length) + payload, zlib.crc32(nonce)):
            yield at, at + 12 + length, payload
            at += 12 + length
        else:
            at += 1


class Witness:
    """Keeps every segment of a spool directory, and says what is in them.

    The links stand in `kept`, a directory on the same file system, where no
    program of ours looks.
    """

    def __init__(self, spool, kept):
        self.spool, self.kept = spool, kept
        self.keys = keys_of_events()
        # Name -> key -> how many whole records were appended of it. Several,
        # when mailtrail-tail was killed and read on from its last place;
        # none, when a fault has destroyed each of them.
        self.events = {name: collections.Counter() for name in self.keys}
        self.about = set()      # queue ids and recipients of those
        self._read = {}         # segment -> (nonce, offset)
        # Two, since reading takes long: what comes meanwhile is kept.
        self._keeping, self._reading = threading.Lock(), threading.RLock()
        self._ending = threading.Event()
        os.makedirs(kept, mode=0o700, exist_ok=True)
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self):
        while not self._ending.wait(0.01):
            self._keep()

    def _keep(self):
        with self._keeping:
            for name in os.listdir(self.spool):
                kept = os.path.join(self.kept, name)
                if not name.endswith(".seg") or os.path.exists(kept):
                    continue
                try:
                    os.link(os.path.join(self.spool, name), kept)
                except FileNotFoundError:
                    pass  # stored and deleted: the verdict would show it

    def values(self, event, *names):
        """These key fields of every event of that name."""
        at = [self.keys[event].index(n) for n in names]
        return [tuple(key[i] for i in at) for key in self.events[event]]

    def key(self, event):
        return tuple(event.get(k) for k in self.keys[event["t"]])

    def destroyed(self, event):
        """The keys of that event of which no whole record is left."""
        return {k for k, n in self.events[event].items() if n == 0}

    def look(self):
        """Read what came since; segments that are gone are forgotten."""
        with self._reading:
            self._keep()
            for name in sorted(os.listdir(self.kept)):
                self._look(name, os.path.join(self.kept, name))
        return self

    def _look(self, name, path):
        # Asked before reading: a segment that was deleted has ended.
        over = os.stat(path).st_nlink == 1
        with open(path, "rb") as f:
            nonce, at = self._read.get(name, (None, HEAD))
            if nonce is None:
                head = f.read(HEAD)
                if len(head) < HEAD:
                    return
                nonce = self._nonce(head)
            f.seek(at)
            data = f.read()
        end = 0
        for _, end, payload in records(data, nonce, 0):
            event = pairs(payload)
            self.events[event["t"]][self.key(event)] += 1
        self._read[name] = (nonce, at + end)
        if over:
            os.unlink(path)
            del self._read[name]

    @contextlib.contextmanager
    def destroying(self, name, at):
        """The block damages the byte at that offset of a segment, and with it
        the record it is of, if any; yields the segment's bytes."""
        with self._reading:  # nobody reads the record while it goes
            self.look()
            nonce, data = self.segment(name)
            for begin, end, payload in records(data, nonce, HEAD):
                if begin <= at < end:
                    self._destroy(pairs(payload))
            yield data

    def _destroy(self, event):
        wholes = self.events[event["t"]]
        wholes[self.key(event)] -= 1
        if not wholes[self.key(event)]:
            self.about.update((event.get("queue_id"), event.get("rcpt")))

    @staticmethod
    def _nonce(head):
        for half in (head[:32], head[32:]):
            if zlib.crc32(half[:28]) == struct.unpack("<I", half[28:])[0]:
                return half[12:28]
        raise AssertionError(f"a segment without a good head: {head!r}")

    def segment(self, name):
        """(nonce, bytes) of a segment, for faults that damage one."""
        with open(os.path.join(self.spool, name), "rb") as f:
            data = f.read()
        return self._nonce(data[:HEAD]), data
