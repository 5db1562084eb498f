# SPDX-License-Identifier: BSD-2-Clause
"""Real messages: those of tests/data, and the large corpus if it is there."""

import email
import hashlib
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
OWN = os.path.join(ROOT, "tests/data/mime")
LARGE = os.path.join(os.path.dirname(ROOT), "shared/data/mime")

SIGNATURE = re.compile(
    rb"^(?:dkim-signature|domainkey-signature|arc-[a-z-]+)[ \t]*:"
    rb".*?\n(?![ \t])", re.I | re.M | re.S)
LAYOUT = (b"<table", b"<img", b"style=", b"bgcolor", b"<font")
LEAST = 500  # bytes of HTML worth to be called a layout


def files(*directories):
    """Every file below them, always in the same order."""
    for directory in directories:
        for at, below, names in os.walk(directory):
            below.sort()
            for name in sorted(names):
                yield os.path.join(at, name)


def unsigned(data):
    """As it left its author: without the signatures of who sent it on."""
    end = re.search(rb"\r?\n\r?\n", data)
    n = end.end() if end else len(data)
    return SIGNATURE.sub(b"", data[:n]) + data[n:]


def html_part(data):
    """The part a reader shows, as Python's email package sees it, or None."""
    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() == "text/html" \
                and part.get_content_disposition() != "attachment":
            return part
    return None


def html_of(data):
    """(decoded bytes, character set) of that part."""
    part = html_part(data)
    return part.get_payload(decode=True), part.get_content_charset()


def newsletters():
    """(path, message) of those with a layout, each layout once."""
    seen = set()
    for path in files(OWN, LARGE):
        if path.endswith((".md", ".json")):
            continue
        with open(path, "rb") as f:
            data = f.read()
        if b"text/html" not in data.lower():
            continue
        part = html_part(data)
        html = part.get_payload(decode=True) if part is not None else None
        if not html or len(html) < LEAST:
            continue
        low = html.lower()
        if b"<table" not in low and sum(x in low for x in LAYOUT) < 2:
            continue
        key = hashlib.sha256(re.sub(rb"<[^>]*>|\s+", b"", html)).digest()
        if key not in seen:
            seen.add(key)
            yield path, unsigned(data)
