# SPDX-License-Identifier: BSD-2-Clause
"""What was destroyed is that of which no whole record is left."""

import os
import struct
import zlib

import pytest

from .witness import Witness

NAME = "0000000000000001.seg"
NONCE = bytes(range(16))
EVENTS = [{"t": "queue", "at": f"2026-11-28T10:39:0{n}.000000Z", "host": "mx",
           "queue_id": f"Q{n}", "twin": "1"} for n in range(3)]


def head():
    half = bytes(12) + NONCE
    return (half + struct.pack("<I", zlib.crc32(half))) * 2


def record(event):
    payload = b"".join(struct.pack("<H", len(t)) + t.encode()
                       for pair in event.items() for t in pair)
    length = struct.pack("<I", len(payload))
    total = zlib.crc32(length + payload, zlib.crc32(NONCE))
    return NONCE[:4] + length + struct.pack("<I", total) + payload


class Segment:
    """A spool of one segment, and the witness of it."""

    def __init__(self, directory):
        spool = directory / "spool"
        spool.mkdir()
        self.path = spool / NAME
        self.path.write_bytes(head())
        self.witness = Witness(str(spool), str(directory / "kept"))

    def append(self, event):
        """The record's offset."""
        at = os.path.getsize(self.path)
        with open(self.path, "ab") as f:
            f.write(record(event))
        return at

    def destroy(self, at):
        with self.witness.destroying(NAME, at + 20) as data, \
                open(self.path, "r+b") as f:
            f.seek(at + 20)
            f.write(bytes([data[at + 20] ^ 1]))

    def destroyed(self):
        """The queue ids of what is destroyed."""
        at = self.witness.keys["queue"].index("queue_id")
        return sorted(k[at] for k in self.witness.look().destroyed("queue"))


@pytest.fixture
def segment(tmp_path):
    return Segment(tmp_path)


def test_a_destroyed_record_is_known_by_its_key(segment):
    places = [segment.append(e) for e in EVENTS]
    assert segment.destroyed() == []
    segment.destroy(places[1])
    assert segment.destroyed() == ["Q1"]
    assert "Q1" in segment.witness.about
    assert len(segment.witness.events["queue"]) == len(EVENTS)


@pytest.mark.parametrize("which", [0, 1])
def test_one_of_two_records_destroyed_leaves_the_event(segment, which):
    places = [segment.append(EVENTS[0]) for _ in range(2)]
    segment.destroy(places[which])
    assert segment.destroyed() == []
    assert segment.witness.about == set()
    segment.destroy(places[1 - which])
    assert segment.destroyed() == ["Q0"]


def test_recorded_again_it_is_not_destroyed(segment):
    segment.destroy(segment.append(EVENTS[0]))
    assert segment.destroyed() == ["Q0"]
    segment.append(EVENTS[0])
    assert segment.destroyed() == []


def test_a_byte_of_the_head_is_of_no_record(segment):
    segment.append(EVENTS[0])
    segment.destroy(-20 + 5)
    assert segment.destroyed() == []
