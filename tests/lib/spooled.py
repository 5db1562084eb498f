# SPDX-License-Identifier: BSD-2-Clause
"""The events in a spool, read as lib/spool/format.h says."""

import os
import struct
import zlib

HEAD = 64


def _texts(payload):
    at, found = 0, []
    while at < len(payload):
        n = int.from_bytes(payload[at:at + 2], "little")
        found.append(payload[at + 2:at + 2 + n].decode())
        at += 2 + n
    return found


def _records(data):
    magic, version, nonce, check = struct.unpack_from("<8sI16sI", data)
    assert magic == b"MTSPOOL\n" and version == 1
    assert zlib.crc32(data[:28]) == check
    at = HEAD
    while at + 12 <= len(data):
        mark, n, check = struct.unpack_from("<4sII", data, at)
        payload = data[at + 12:at + 12 + n]
        if mark != nonce[:4] or len(payload) < n:
            break  # not yet written
        assert zlib.crc32(nonce + data[at + 4:at + 8] + payload) == check
        yield payload
        at += 12 + n


def events(spool, kind=None):
    """All events, or those of a kind, as dicts of texts with v and t."""
    found = []
    for name in sorted(os.listdir(spool)) if os.path.isdir(spool) else ():
        if not name.endswith(".seg"):
            continue
        with open(os.path.join(spool, name), "rb") as f:
            data = f.read()
        for payload in _records(data) if len(data) >= HEAD else ():
            texts = _texts(payload)
            event = dict(zip(texts[::2], texts[1::2]))
            if kind is None or event["t"] == kind:
                found.append(event)
    return found


def key(event):
    """What makes a notice the one it is."""
    return tuple(event[k] for k in ("at", "host", "report", "ordinal"))
