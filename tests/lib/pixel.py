# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-pixel on a socket of its own, its tokens, and who asks it."""

import base64
import glob
import hashlib
import hmac
import os
import re
import secrets
import socket

from .process import Process, answers, wait_for

KEY = bytes(range(32))
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f9040100000000"
                    "2c00000000010001000002024401003b")
HEADERS = {
    "content-type": "image/gif",
    "content-length": "43",
    "cache-control":
        "no-store, no-cache, must-revalidate, max-age=0, private",
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "cross-origin",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Thunderbird/115.0"
ANONYMOUS, PSEUDONYMOUS, IDENTIFIED = 1, 2, 3
FIELDS = ("v", "t", "at", "token", "host", "twin", "class", "certainty",
          "reasons", "rules", "agent", "country", "asn", "fingerprint")


def token(mode=PSEUDONYMOUS, number=None):
    """(text, id in hexadecimal) of a token of key 3."""
    number = number or secrets.token_bytes(16)
    signed = bytes([mode << 4 | 3]) + number
    mac = hmac.new(KEY, b"mailtrail token" + signed, hashlib.sha256).digest()
    text = base64.urlsafe_b64encode(signed + mac[:8]).decode().rstrip("=")
    return text, number.hex()


def events(spool):
    """The open events of all segments, as dictionaries."""
    found = []
    for path in sorted(glob.glob(os.path.join(spool, "*.seg"))):
        with open(path, "rb") as f:
            data = f.read()
        for start in re.finditer(rb"\x01\x00v\x01\x001\x01\x00t\x04\x00open",
                                 data):
            at, event = start.start(), {}
            while at + 2 <= len(data):
                pair = []
                for _ in range(2):
                    n = int.from_bytes(data[at:at + 2], "little")
                    pair.append(data[at + 2:at + 2 + n])
                    at += 2 + n
                name = pair[0].decode("latin-1")
                if name not in FIELDS or name in event:
                    break
                event[name] = pair[1].decode()
            found.append(event)
    return found


class Pixel:
    """mailtrail-pixel with files of its own."""

    def __init__(self, lab, build, name="pixel", run_as=None, **options):
        self.directory = lab.subdir(name, 0o777)
        self.spool = lab.subdir(f"{name}/spool", 0o777)
        self.program = build / "pixel-cgi" / "mailtrail-pixel"
        self.keys = self.path("keys")
        self.socket = self.path("socket")
        self.conf = self.path("pixel.conf")
        self.options = {
            "listen": f"unix:{self.socket}", "listen_mode": "0666",
            "host": "pixel.example", "spool_dir": self.spool,
            "token_keys": self.keys, "day_key": self.path("day.key"),
            "country_db": "tests/data/geo/country.mmdb",
            "asn_db": "tests/data/geo/asn.mmdb"}
        self.options.update(options)
        for db in ("country_db", "asn_db"):
            self.options[db] = os.path.abspath(self.options[db])
        self.write_keys()
        self.write_conf()
        self.process = Process(name, [self.program, "-c", self.conf],
                               self.directory, run_as=run_as)
        lab.add(self.process)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write_keys(self, text=None, mode=0o640):
        if text is None:
            text = (f"3 2026-11-20T16:41:37Z "
                    f"{base64.b64encode(KEY).decode()} active\n")
        with open(self.keys + ".new", "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self.keys + ".new", mode)
        os.rename(self.keys + ".new", self.keys)

    def write_conf(self, **more):
        self.options.update(more)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n" for k, v in self.options.items())
        os.chmod(self.conf, 0o644)

    def start(self):
        self.process.start(lambda: answers(self.socket))
        return self

    def events(self, least=0):
        """The events, once there are at least so many."""
        if least:
            wait_for(lambda: len(events(self.spool)) >= least, 10,
                     f"{least} events")
        return events(self.spool)


def ask(port, target, method="GET", version="1.1", headers=(), body=b""):
    """(status line, headers without Date and Server, body), as on the wire."""
    lines = [f"{method} {target} HTTP/{version}", "Host: localhost",
             "Connection: close", *headers]
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    pairs = [f.split(": ", 1) for f in fields]
    return first.split(" ", 1)[1], {
        k.lower(): v for k, v in pairs
        if k.lower() not in ("date", "server", "connection")}, rest


def flipped(text):
    """The token with one bit of its text's first byte of randomness flipped."""
    return text[:5] + ("A" if text[5] != "A" else "B") + text[6:]
