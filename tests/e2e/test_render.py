# SPDX-License-Identifier: BSD-2-Clause
"""Chromium shows a marked newsletter as it shows the original.

Each is marked as it is, with a notice, and once more grown above the size at
which the pixel goes to the top of the page; what Chromium then paints is
compared pixel by pixel, over the whole page.
"""

import base64
import os
import quopri
import subprocess

import pytest

from tests.lib.chromium import Chromium
from tests.lib.corpus import LARGE, ROOT, html_of, newsletters
from tests.lib.mailtrail import PROGRAMS
from tests.lib.process import Lab

URL = "https://open.example.org/i/AbCdEfGhIjKlMnOpQrStUvWxYz01234567.gif"
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c"
                    "00000000010001000002024401003b")
IMAGE = f'img[src="{URL}"]'
NOTICE = "This message tells its sender that it was shown: gr\u00fc\u00dfe"
LARGEST = 92160  # MT_MAX_UNCLIPPED
TALLEST = 8000   # lines of a page that are compared

@pytest.fixture(scope="module")
def browser():
    with Lab() as lab:
        browser = Chromium(lab).start()
        browser.answers[URL] = ("image/gif", GIF)
        yield browser


def markup(build, data, *args):
    """(marked message, what --explain says, as a dict)"""
    done = subprocess.run(
        [os.path.join(build, PROGRAMS["mailtrail"]), "markup", "--pixel-url",
         URL, "--explain", *args], input=data, capture_output=True,
        check=True, timeout=60)
    return done.stdout, dict(word.split("=", 1)
                             for word in done.stderr.decode().split())


ENCODE = {
    "8bit": lambda t: t,
    "quoted-printable": quopri.encodestring,
    "base64": base64.encodebytes,
}


def grown(html, charset, encoding):
    """A message of that HTML and a comment that makes it large."""
    html += b"\n<!--\n" + b"all that a large newsletter says\n" * 3000 \
        + b"-->\n"
    assert len(html) > LARGEST
    return (f"MIME-Version: 1.0\nContent-Type: text/html; charset="
            f"{charset or 'us-ascii'}\nContent-Transfer-Encoding: {encoding}"
            "\n\n").encode() + ENCODE[encoding](html)


def same(original, marked, height):
    """Whether all pixels are, beside an image that shows nothing."""
    x, y, *size = marked.box(IMAGE)
    return size == [1, 1] and x >= 0 and y >= 0 \
        and original.pixels(0, height) == marked.pixels(0, height)


class Gallery:
    """Marked messages beside the original that is on show."""

    def __init__(self, build, browser):
        self.build = build
        self.original, self.marked = browser.page(), browser.page()
        self.refused, self.shown = {}, {}  # by reason; by variant
        self.encodings, self.wrong = {}, {}

    def hang(self, html, charset):
        self.html, self.charset = html, charset
        self.original.load(html, charset)
        self.size = self.original.size()
        self.height = min(int(self.size[1]), TALLEST)
        self.original.resize(self.height)

    def load(self, variant, data, *args):
        """Mark and show it; False when it was refused, hence unchanged."""
        copy, said = markup(self.build, data, *args)
        if said["markup"] != "done":
            assert copy == data
            self.refused[said["reason"]] = \
                self.refused.get(said["reason"], 0) + 1
            return False
        self.shown[variant] = self.shown.get(variant, 0) + 1
        self.encodings.setdefault(variant, set()).add(said["encoding"])
        self.html = html_of(copy)[0]
        self.marked.load(self.html, self.charset)
        self.grown = self.marked.size()[1] - self.size[1]
        self.marked.resize(self.height)
        return True

    def check(self, variant, path):
        """Everything is where it was, and the image was fetched once.

        An image at the end of the page may make it one line longer.
        """
        unchanged = same(self.original, self.marked, self.height)
        asked = self.marked.asked.count(URL)
        if not unchanged or asked != 1 or self.grown not in (0, 1):
            self.wrong.setdefault(variant, []).append(
                f"{os.path.relpath(path, ROOT)}: "
                f"{'the same' if unchanged else 'other'} pixels, longer by "
                f"{self.grown:g}, fetched {asked} times")

    def check_above(self, path):
        """The same above the notice, which stands right above the image."""
        y = int(self.marked.box(f"*:has(+ {IMAGE})")[1])
        if self.original.pixels(0, y) != self.marked.pixels(0, y):
            self.wrong.setdefault("notice", []).append(
                os.path.relpath(path, ROOT))


@pytest.fixture(scope="module")
def gallery(build, browser):
    """All newsletters, in each variant, each page shown once."""
    gallery = Gallery(build, browser)
    for n, (path, data) in enumerate(newsletters()):
        html, charset = html_of(data)
        gallery.hang(html, charset)
        if not gallery.load("end", data):
            continue
        gallery.check("end", path)
        # Others than supersets of ASCII would need a comment of their own.
        encoding = list(ENCODE)[n % len(ENCODE)]
        large = grown(html, charset, encoding)
        if n % 2 == 0 and b"\0" not in html and gallery.load("top", large):
            gallery.check("top", path)
        if n % 5 == 0 and gallery.load("notice", data, "--notice", NOTICE):
            gallery.check_above(path)
    print(gallery.shown, gallery.refused)
    return gallery


LEAST = 100 if os.path.isdir(LARGE) else 60


def test_a_marked_newsletter_looks_the_same(gallery):
    assert gallery.wrong.get("end", []) == []
    assert gallery.shown["end"] >= LEAST
    assert gallery.encodings["end"] >= {"7bit", "8bit", "quoted-printable",
                                        "base64"}


def test_a_large_one_marked_at_the_top_looks_the_same(gallery):
    assert gallery.wrong.get("top", []) == []
    assert gallery.shown["top"] >= LEAST // 2 - 5
    assert gallery.encodings["top"] == set(ENCODE)


def test_above_a_notice_nothing_changes(gallery):
    assert gallery.wrong.get("notice", []) == []
    assert gallery.shown["notice"] >= LEAST // 5


BAD_TAGS = {
    "in the flow": (b"position:absolute", b"position:static"),
    "in a line of its own": (b"display:block;position:absolute", b""),
    "before its place": (b"border:0\"", b"border:0;margin-top:-30px\""),
    "large": (b"width:1px", b"width:2px"),
}


@pytest.mark.parametrize("name", BAD_TAGS)
def test_a_tag_that_shows_is_seen(gallery, name):
    page = b"<body>" + b"<p>One line of it.</p>\n" * 20 + b"</body>"
    gallery.hang(page, "utf-8")
    copy = html_of(markup(gallery.build, grown(page, "utf-8", "8bit"))[0])[0]
    good, bad = BAD_TAGS[name]
    assert copy.count(good) == 1
    gallery.marked.load(copy.replace(good, bad), "utf-8")
    gallery.marked.resize(gallery.height)
    assert not same(gallery.original, gallery.marked, gallery.height)
