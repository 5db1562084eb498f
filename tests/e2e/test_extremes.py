# SPDX-License-Identifier: BSD-2-Clause
"""Messages made to do harm: each has its reason, passes as it is or with one
insertion, and takes no more memory than a message of its size may.

How the time grows is for bench/rows/hostile.py to say; here it has to end.
"""

import base64
import os
import quopri
import re
import secrets
import smtplib
import subprocess
import sys

import pytest

from tests.lib.checked import assert_cost
from tests.lib.hostile import BODY, HTML, LEAF, MIXED, SHAPES, fill
from tests.lib.mailtrail import PROGRAMS
from tests.lib.milter import MilterHost
from tests.lib.process import Lab

URL = "https://open.example.org/i/ZyXwVuTsRqPoNmLkJiHgFeDcBa98765432.gif"
MB = 1000 * 1000
CONSTANT = 16 * MB  # the program itself, and what starts it

# wait4 tells the peak of what this forks, not of the test's own process.
LAUNCH = """
import os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024,
      file=sys.stderr)
"""


@pytest.fixture
def markup(build, tmp_path):
    """(output, reason, most memory) of `mailtrail markup` on a message."""
    def mark(data):
        path, out = tmp_path / "in.eml", tmp_path / "out.eml"
        path.write_bytes(data)
        with open(path, "rb") as source, open(out, "wb") as target:
            said = subprocess.run(
                [sys.executable, "-c", LAUNCH,
                 os.path.join(build, PROGRAMS["mailtrail"]), "markup",
                 "--pixel-url", URL, "--explain"], stdin=source,
                stdout=target, stderr=subprocess.PIPE, check=True,
                timeout=120).stderr.decode()
        explained, code, peak = re.fullmatch(
            r"markup=(.*)\n(-?\d+) (\d+)\n", said).groups()
        assert code == "0"
        data = out.read_bytes()
        path.unlink()
        out.unlink()
        return data, re.sub(r"refused reason=| .*", "",
                            explained), int(peak)
    return mark


def decoded(data):
    """Header and content of a message of one part; else all as it is."""
    head, _, body = data.partition(b"\r\n\r\n")
    encoding = re.search(rb"(?i)\ncontent-transfer-encoding: (\S+)", head)
    if encoding and encoding[1] == b"base64":
        return head, base64.b64decode(body)
    if encoding and encoding[1] == b"quoted-printable":
        return head, quopri.decodestring(body)
    return head, body


def common(a, b):
    """How many bytes they begin with alike; by halves, since both are long."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def inserted(before, after):
    """What was put into before at one place to make after, or None."""
    at, grown = common(before, after), len(after) - len(before)
    if grown <= 0 or after[at + grown:] != before[at:]:
        return None
    return after[at:at + grown]


def check(data, copy, reason, url=URL.encode()):
    """Unchanged, or one insertion with one pixel in the decoded part."""
    if reason != "done":
        assert copy == data
        return
    (head, before), (same, after) = decoded(data), decoded(copy)
    assert head == same
    assert inserted(before, after) is not None
    urls = [url, url.decode().encode("utf-16le")]
    assert sum(after.count(u) - before.count(u) for u in urls) == 1


@pytest.mark.parametrize("name", SHAPES)
def test_a_hostile_message_has_its_reason(markup, name):
    data = SHAPES[name][1](1500 * 1000)
    copy, reason, peak = markup(data)
    assert reason == SHAPES[name][0]
    check(data, copy, reason)
    assert_cost(peak, 2.2 * len(data) + CONSTANT)


def nested(depth):
    return SHAPES["nested"][1](100 * depth)


def around(text):
    """50 MB of it as preamble, attachment and epilogue."""
    return MIXED + fill(text, 10 * MB) + b"\r\n" + LEAF + b"--b\r\n" \
        b"Content-Type: application/octet-stream\r\n\r\n" \
        + fill(text, 30 * MB) + b"\r\n--b--\r\n" + fill(text, 10 * MB)


def alone(text, encoding=b"8bit"):
    return HTML + b"Content-Transfer-Encoding: " + encoding \
        + b"\r\n\r\n<html><body>" + fill(text, 50 * MB) + b"</body></html>\r\n"


LARGE = {
    "no header": ("plain", lambda: b"\r\n" + BODY),
    "nothing": ("plain", lambda: b""),
    "one line end": ("plain", lambda: b"\r\n"),
    "one byte": ("plain", lambda: b"\0"),
    "header only": ("no_html", lambda: HTML),
    "header and its end only": ("no_html", lambda: HTML + b"\r\n"),
    "header of 1 MB": ("done", lambda: SHAPES["header of fields"][1](MB)),
    "field of 1 MB": ("done",
                      lambda: SHAPES["header field in one line"][1](MB)),
    "100,000 parts": ("too_many", lambda: MIXED + b"--b\r\n\r\nx\r\n" * 100000
                      + LEAF + b"--b--\r\n"),
    "100,000 parts behind": ("done", lambda: MIXED + LEAF
                             + b"--b\r\n\r\nx\r\n" * 100000 + b"--b--\r\n"),
    "nesting of 10,000": ("too_deep", lambda: nested(10000)),
    "a million attributes": ("done", lambda: HTML + b"\r\n<body><p "
                             + b"a=b " * MB + b">x</p></body>\r\n"),
    "a million parameters": ("done", lambda: b"Content-Type: text/html"
                             + b"; a=b" * MB + b"\r\n\r\n" + BODY),
    "70 MB": ("too_large",
              lambda: HTML + b"\r\n" + fill(b"text\r\n", 70 * MB)),
    **{f"50 MB of {text.decode()}": ("too_large",
                                     lambda text=text: alone(text))
       for text in (b"x", b"-", b"<", b"<!--", b'"', b"=")},
    "50 MB of coded =": ("encoding",
                         lambda: alone(b"=", b"quoted-printable")),
    "50 MB of coded a=3D": ("too_large",
                            lambda: alone(b"a=3D", b"quoted-printable")),
    "50 MB line of base64": ("too_large",
                             lambda: HTML + b"Content-Transfer-Encoding: "
                             b"base64\r\n\r\n" + fill(b"PGI+", 50 * MB)),
    **{f"50 MB of {text.decode().strip()} around": (
        "done", lambda text=text: around(text))
       for text in (b"x", b"-", b"<", b"=", b"--", b"\n-", b"--b")},
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_message_has_its_reason(markup, name):
    expected, make = LARGE[name]
    data = make()
    copy, reason, peak = markup(data)
    assert reason == expected
    if len(data) < 5 * MB or reason != "done":
        check(data, copy, reason)
    else:
        assert URL.encode() in inserted(data, copy)
    assert_cost(peak, 2.2 * len(data) + CONSTANT)


@pytest.fixture(scope="module")
def host(build, needs_root):
    with Lab() as lab:
        yield MilterHost(lab, build, options={"message_max": "64m"}, settings={
            "smtp_line_length_limit": "0", "message_size_limit": str(70 * MB),
            "header_size_limit": str(4 * MB)}).start()


# Postfix itself changes bare line ends and odd headers; these it hands over and
# on as they are.
SENT = {
    "an empty body": ("plain", lambda: b"\r\n"),
    **{name: LARGE[name] for name in (
        "header and its end only", "header of 1 MB", "field of 1 MB",
        "100,000 parts", "100,000 parts behind", "nesting of 10,000",
        "a million attributes", "a million parameters", "50 MB of -",
        "50 MB line of base64", "50 MB of x around")},
    **{name: (SHAPES[name][0], lambda name=name: SHAPES[name][1](5 * MB))
       for name in ("NULs", "less-thans, no body", "pixels of ours",
                    "base64 in one line", "base64 of a pixel in one line",
                    "parameters in pieces", "lines like boundaries",
                    "UTF-16", "escapes")},
}


def changed_once(name, body, passed):
    """One insertion, in the encoded leaf itself where that can be seen."""
    if name.startswith(("base64", "UTF-16")):
        body, passed = base64.b64decode(body), base64.b64decode(passed)
    return inserted(body, passed) is not None


def peak_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


@pytest.mark.parametrize("name", SENT)
def test_the_milter_passes_it(host, name):
    expected, make = SENT[name]
    data = make()
    message_id = f"<{secrets.token_hex(8)}@example.org>"
    with smtplib.SMTP("127.0.0.1", host.postfix.port, timeout=120) as client:
        client.sendmail(
            "alice@example.org", ["bob@example.com"],
            f"From: alice@example.org\r\nMessage-ID: {message_id}\r\n".encode()
            + data, mail_options=["BODY=8BITMIME"])
    copy = host.sink.data(host.sink.wait(message_id, 120))
    body, passed = (d.partition(b"\r\n\r\n")[2] for d in (data, copy))
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    offer = [e for e in host.events() if e["t"] == "offer"
             and f"<{e['message_id']}>" == message_id]
    assert [e["reason"] for e in offer] == [expected]
    if expected != "done":
        assert passed == body and b"X-Mailtrail" not in copy
    else:
        assert b"\r\nX-Mailtrail-Mark: " in copy
        assert changed_once(name, body, passed)
    assert_cost(peak_of(host.process.pid), 2.2 * 50 * MB + CONSTANT)
