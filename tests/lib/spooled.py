# SPDX-License-Identifier: BSD-2-Clause
"""The events in a spool, read as lib/spool/format.h says."""

import os
import struct
import zlib

HEAD = 64


def _payloads(data, at):
    """Each whole record from an offset on, and where it ends."""
    magic, version, nonce, check = struct.unpack_from("<8sI16sI", data)
    assert magic == b"MTSPOOL\n" and version == 1
    assert zlib.crc32(data[:28]) == check
    at = at or HEAD
    while at < len(data):
        mark, length, total = struct.unpack_from(
            "<4sII", data[at:at + 12].ljust(12, b"\0"))
        payload = data[at + 12:at + 12 + length]
        whole = mark == nonce[:4] and len(payload) == length and \
            total == zlib.crc32(nonce + data[at + 4:at + 8] + payload)
        if whole:
            at += 12 + length
            yield payload, at
        else:  # torn by a kill: the next whole one
            following = data.find(nonce[:4], at + 1)
            if following < 0:
                return  # or just being written
            at = following


def _event(payload):
    texts, at = [], 0
    while at < len(payload):
        n, = struct.unpack_from("<H", payload, at)
        texts.append(payload[at + 2:at + 2 + n].decode())
        at += 2 + n
    return dict(zip(texts[::2], texts[1::2]))


class Spooled:
    """Reads on where it was; segments may vanish meanwhile."""

    def __init__(self, spool):
        self.spool = spool
        self.read = {}

    def more(self):
        """The events that came since the last time."""
        found = []
        names = os.listdir(self.spool) if os.path.isdir(self.spool) else ()
        for name in sorted(names):
            if not name.endswith(".seg"):
                continue
            with open(os.path.join(self.spool, name), "rb") as f:
                data = f.read()
            for payload, at in _payloads(data, self.read.get(name, 0)) \
                    if len(data) >= HEAD else ():
                self.read[name] = at
                found.append(_event(payload))
        return found


def events(spool, *kinds):
    """All events, or those of some kinds, as dicts of texts with v and t."""
    return [e for e in Spooled(spool).more()
            if not kinds or e["t"] in kinds]


def key(event):
    """What makes a notice the one it is."""
    return tuple(event[k] for k in ("at", "host", "report", "ordinal"))


def line_key(event):
    """The natural key of an event that a log line or a row made."""
    return tuple(event.get(name) for name in
                 ("t", "at", "host", "queue_id", "line", "twin"))
