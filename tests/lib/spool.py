# SPDX-License-Identifier: BSD-2-Clause
"""The events of a spool as another reader sees them: lib/spool/format.h."""

import os
import struct
import zlib

HEAD = 32
RECORD = 12


def records(data):
    """The payloads of a segment; all of it must be whole."""
    assert data[:HEAD] == data[HEAD:2 * HEAD], "the two heads differ"
    nonce = data[12:28]
    assert data[:8] == b"MTSPOOL\n"
    assert struct.unpack("<I", data[28:32])[0] == zlib.crc32(data[:28])
    at = 2 * HEAD
    while at < len(data):
        mark, length, total = struct.unpack("<4sII", data[at:at + RECORD])
        payload = data[at + RECORD:at + RECORD + length]
        assert mark == nonce[:4] and len(payload) == length
        assert total == zlib.crc32(nonce + data[at + 4:at + 8] + payload)
        yield payload
        at += RECORD + length


def texts(payload):
    at = 0
    while at < len(payload):
        n, = struct.unpack("<H", payload[at:at + 2])
        text = payload[at + 2:at + 2 + n]
        assert len(text) == n
        yield text.decode("utf-8")
        at += 2 + n


def events(directory):
    """Every event, in order of its segment, as a dict of texts."""
    found = []
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".seg"):
            continue
        with open(os.path.join(directory, name), "rb") as f:
            data = f.read()
        for payload in records(data):
            words = list(texts(payload))
            found.append(dict(zip(words[::2], words[1::2])))
    return found
