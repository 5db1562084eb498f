# SPDX-License-Identifier: BSD-2-Clause
"""Messages a stranger might send to make reading them dear.

Each shape is made at any size: a row is a name, what the markup says of it
when it is large, and a function from a number of bytes to a message of about
so many. "done" means that it is ordinary HTML to a plain reading, however odd.
"""

import base64
import os

HTML = b"Content-Type: text/html; charset=utf-8\r\n"
BODY = b"<html><body><p>Hello.</p></body></html>\r\n"
MIXED = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
TOKEN = b"https://open.example.org/i/AbCdEfGhIjKlMnOpQrStUvWxYz01234567.gif"


def fill(unit, n):
    """n bytes of it, always whole ones."""
    return unit * max(1, n // len(unit))


def html(unit, encoding=b"8bit", charset=b"utf-8", before=b"<html><body>",
         after=b"</body></html>\r\n"):
    """A leaf filled with a unit, in its encoded form."""
    def make(n):
        return (b"Content-Type: text/html; charset=" + charset
                + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
                + before + fill(unit, n) + after)
    return make


def encoded(unit, width=57):
    """The same in base64, of lines that hold so many bytes."""
    def make(n):
        page = b"<html><body>" + fill(unit, n * 3 // 4) + b"</body></html>"
        if width is None:
            lines = base64.b64encode(page)
        else:
            lines = b"\r\n".join(base64.b64encode(page[i:i + width])
                                 for i in range(0, len(page), width))
        return (HTML + b"Content-Transfer-Encoding: base64\r\n\r\n" + lines
                + b"\r\n")
    return make


def field(head, unit, tail=b""):
    """An HTML message after a field filled with a unit."""
    def make(n):
        return head + fill(unit, n) + tail + b"\r\n" + HTML + b"\r\n" + BODY
    return make


def content_type(unit, tail=b"", head=b""):
    """An HTML message whose Content-Type is filled with a unit."""
    def make(n):
        return (b"Content-Type: text/html; charset=utf-8" + head
                + fill(unit, n) + tail + b"\r\n\r\n" + BODY)
    return make


def parts(head, body, first=b"", last=b""):
    """multipart/mixed of equal parts, between a first and a last one."""
    part = b"--b\r\n" + head + b"\r\n" + body + b"\r\n"

    def make(n):
        return MIXED + first + fill(part, n) + last + b"--b--\r\n"
    return make


LEAF = b"--b\r\n" + HTML + b"\r\n" + BODY


def nested(n, boundary=lambda i: b"n%d" % i):
    """Multiparts inside each other, closed in order, HTML in the last."""
    depth = max(1, n // 100)
    opened, closed = [], []
    for i in range(depth):
        opened.append(b'Content-Type: multipart/mixed; boundary="'
                      + boundary(i) + b'"\r\n\r\n--' + boundary(i) + b"\r\n")
        closed.append(b"\r\n--" + boundary(i) + b"--\r\n")
    return b"".join(opened) + HTML + b"\r\n" + BODY + b"".join(closed[::-1])


def deep_and_long(n):
    """As deep as is read, and then lines that look like its boundaries."""
    names = [b"b" * (i + 1) for i in range(19)]
    head = b"".join(b'Content-Type: multipart/mixed; boundary="' + name
                    + b'"\r\n\r\n--' + name + b"\r\n" for name in names)
    return head + HTML + b"\r\n<body>" + fill(
        b"--" + b"b" * 30 + b"\r\n--\r\n", n) + b"</body>\r\n"


def random_bytes(n):
    """The same ones each time; no line is short."""
    block = bytes((i * i * 31 + i * 7 + 13) % 251 for i in range(4093))
    return HTML + b"\r\n" + fill(block, n)


def wide(n):
    page = ("<html><body>" + "\u5c71<" * (n // 4) + "</body></html>")
    return (b"Content-Type: text/html; charset=utf-16\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(page.encode("utf-16")))


def both(name, unit, says="done", inside=b""):
    """Filled inside <body>, and where no <body> is ever found."""
    return {
        name: (says, html(unit, before=b"<html><body>" + inside)),
        f"{name}, no body": (says, html(unit, before=inside, after=b"")),
    }


FAMILIES = {
    "header": {
        "header of fields": ("done", field(b"X: ", b"y\r\nX: ")),
        "header field in folds": ("done", field(b"X: ", b"y\r\n\t")),
        "header field in one line": ("done", field(b"X: ", b"y")),
        "header without end": ("plain", lambda n: fill(b"X: y\r\n", n)),
        "header of no fields": ("plain", lambda n: fill(b"x\r\n", n)),
        "many Content-Types": ("malformed", field(b"", HTML)),
        "many signatures": ("dkim", field(b"", b"DKIM-Signature: v=1\r\n")),
        "parameters": ("done", content_type(b"; a=b")),
        "parameters of one name": ("charset", content_type(b"; charset=x")),
        "parameters in pieces": ("done", content_type(b'; a*1*="b"')),
        "parameter of quotes": ("done", content_type(b"\\\"", b'"', b'; x="')),
        "parameter without end": ("done", content_type(b"a", b"", b'; x="')),
        "comments in each other": ("done", content_type(b"(", b"", b"; x=y ")),
        "comments after each other": ("done", content_type(b" (c)")),
    },
    "structure": {
        "parts": ("too_many", parts(b"", b"x", last=LEAF)),
        "empty parts": ("too_many", lambda n: MIXED + fill(b"--b\r\n", n)),
        "parts behind": ("done", parts(b"", b"x", first=LEAF)),
        "parts with headers": ("too_many", parts(b"X: y\r\n" * 20, b"x")),
        "HTML parts behind": ("done", parts(HTML, BODY, first=LEAF)),
        "attached HTML": ("too_many", parts(
            HTML + b"Content-Disposition: attachment\r\n", BODY)),
        "nested": ("too_deep", nested),
        "nested, one boundary": ("too_deep",
                                 lambda n: nested(n, lambda i: b"n")),
        "nested, boundaries that begin alike": (
            "too_deep",
            lambda n: nested(n // 4, lambda i: b"n" * (i % 150 + 1))),
        "lines like boundaries": ("malformed", deep_and_long),
        "preamble of dashes": ("done", lambda n: MIXED + fill(b"--\r\n", n)
                               + LEAF + b"--b--\r\n"),
    },
    "bytes": {
        "NULs": ("charset", html(b"\0")),
        "CRs only": ("no_html", lambda n: (HTML + b"\r\n").replace(
            b"\r\n", b"\r") + fill(b"x\r", n)),
        "random bytes": ("charset", random_bytes),
        **both("bare CRs", b"\r"),
        **both("bare LFs", b"\n"),
        **both("empty lines", b"\r\n"),
        **both("one line", b"a"),
    },
    "HTML": {
        **both("dashes", b"-"),
        **both("less-thans", b"<"),
        **both("tags", b"<p>"),
        **both("tags that never end", b"<p "),
        **both("end tags", b"</"),
        **both("ends of bodies", b"</body>"),
        **both("ends of bodies, cut", b"</body"),
        **both("ends of heads", b"</head>"),
        **both("bodies, cut", b"<body"),
        **both("comments", b"<!---->"),
        **both("comments that never end", b"<!--"),
        **both("comment of dashes", b"--", inside=b"<!--"),
        **both("conditions", b"<!--[if mso]>"),
        **both("conditions, open", b"<![if mso]>"),
        **both("scripts", b"<script></script>"),
        **both("scripts that never end", b"<script>"),
        **both("comments and scripts", b"<!--<script>"),
        **both("ends of scripts, cut", b"</scrip", inside=b"<script>"),
        **both("titles", b"<title>"),
        **both("processing", b"<?"),
        **both("CDATA", b"<![CDATA["),
        **both("double quotes", b'"'),
        **both("a tag of quotes", b"\"'", inside=b"<p "),
        **both("attributes", b"a=b ", inside=b"<p "),
        **both("attributes without value", b"a ", inside=b"<p "),
        **both("ampersands", b"&"),
        **both("armour, cut", b"-----BEGIN PGP ", "armour"),
        **both("dashes of armour", b"-----BEGIN "),
        **both("pixels of ours", b'<img src="' + TOKEN + b'">\r\n'),
        **both("URLs of ours", TOKEN),
        **both("places of tokens", b"/i/"),
        **both("images of URLs", b"/i/" + b"a" * 34 + b".gif",
               inside=b"<img src="),
        **both("open images of URLs",
               b"<img " + (b"/i/" + b"a" * 34 + b".gif\n") * 90),
    },
    "transfer encodings": {
        "equals": ("encoding", html(b"=", b"quoted-printable")),
        **both("equals as text", b"="),
        "soft line ends": ("done", html(b"=\r\n", b"quoted-printable")),
        "codes": ("done", html(b"=3C", b"quoted-printable")),
        "codes, no body": ("done", html(b"=3C", b"quoted-printable",
                                        before=b"", after=b"")),
        "blanks at line ends": ("done", html(b" \t \r\n",
                                             b"quoted-printable")),
        "blanks": ("done", html(b" ", b"quoted-printable")),
        "soft line ends and blanks": ("done", html(b"= \t\r\n",
                                                   b"quoted-printable")),
        "base64": ("done", encoded(b"text ")),
        "base64 in one line": ("done", encoded(b"text ", None)),
        "base64 in short lines": ("done", encoded(b"text ", 3)),
        "base64 of less-thans": ("done", encoded(b"<")),
        "base64 of a pixel": ("done", encoded(b"<img src=" + TOKEN + b">")),
        "base64 of a pixel in one line": (
            "done", encoded(b"<img src=" + TOKEN + b">", None)),
        "base64 with paddings": ("encoding", html(
            b"PGI+\r\nPA==\r\n", b"base64", before=b"", after=b"")),
        "base64 of blanks": ("done", html(b" \r\n", b"base64",
                                          before=b"PGI+", after=b"")),
        "base64 of nothing": ("encoding", html(b"-", b"base64")),
    },
    "character sets": {
        "UTF-16": ("done", wide),
        "escapes": ("done", html(b"\x1b$B\x1b(B", b"7bit", b"iso-2022-jp")),
        "escapes without end": ("charset", html(b"\x1b", b"7bit",
                                                b"iso-2022-jp")),
        "two-byte less-thans": ("done", html(b"<<", b"7bit", b"iso-2022-jp",
                                             before=b"<body>\x1b$B",
                                             after=b"\x1b(B</body>\r\n")),
    },
}
SHAPES = {k: v for family in FAMILIES.values() for k, v in family.items()}


def write(directory, name, n):
    """The path of that shape's message of about n bytes."""
    path = os.path.join(directory, f"{name}-{n}.eml".replace(" ", "_"))
    with open(path, "wb") as f:
        f.write(SHAPES[name][1](n))
    return path
