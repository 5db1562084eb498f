# SPDX-License-Identifier: BSD-2-Clause
"""Mail as newsletters look: tables, inline styles, links, entities, umlauts."""

import base64
import quopri

HEAD = """\
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<title>News of the month</title>
<style type="text/css">
  body { margin: 0; padding: 0; } a > img { border: 0; }
  @media only screen and (max-width: 600px) { .column { width: 100% } }
</style>
<!--[if mso]><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml><![endif]-->
</head>
<body bgcolor="#ffffff">
<table width="600" cellpadding="0" cellspacing="0" border="0">
"""

ROW = """\
<tr><td class="column" style="font-family: Arial, sans-serif; color: #333">
<h2>Article number {i}: caf\u00e9, na\u00efve, \u20ac&nbsp;{i}.50</h2>
<p>Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy
eirmod tempor invidunt ut labore et dolore magna aliquyam &amp; erat.
<a href="https://news.example.org/read?article={i}&amp;from=mail" \
title="a > b">Read on&hellip;</a></p>
<!-- end of article {i} --></td></tr>
"""

TAIL = """\
</table>
<p style="font-size: 11px">You get this because you asked for it.</p>
</body>
</html>
"""

HEADERS = """\
From: Alice <alice@example.org>
To: Bob <bob@example.com>
Subject: News of the month
Date: Fri, 20 Nov 2026 18:00:00 +0000
Message-ID: <{message_id}>
MIME-Version: 1.0
User-Agent: Mozilla Thunderbird
"""


def html(size):
    """About so many bytes of HTML in UTF-8, lines of LF."""
    parts = [HEAD]
    left = size - len(HEAD) - len(TAIL)
    i = 0
    while left > 0:
        i += 1
        parts.append(ROW.format(i=i))
        left -= len(parts[-1].encode())
    return "".join(parts + [TAIL]).encode()


def encode(data, encoding):
    """A leaf's bytes, lines of LF."""
    if encoding == "base64":
        return base64.encodebytes(data)
    if encoding == "quoted-printable":
        return quopri.encodestring(data)
    if encoding == "7bit":
        return data.decode().encode("ascii", "xmlcharrefreplace")
    return data


# What an encoding makes of our HTML, in bytes a byte.
GROWTH = {"base64": 1.36, "quoted-printable": 1.09}


def message(size, encoding="quoted-printable", message_id="news@example.org",
            attachment=0, most_html=None):
    """A multipart/alternative message of about so many bytes, lines of CRLF.

    With attachment, that many of them are a base64 attachment beside it; what
    is beyond most_html (decoded bytes) goes into the text part.
    """
    size_html = int((size - attachment) / GROWTH.get(encoding, 1.0)) - 900
    page = html(min(size_html, most_html or size_html))
    text = b"The news of the month, without pictures.\n"
    text *= 1 + (size_html - len(page)) // (len(text) + 1)
    lines = [HEADERS.format(message_id=message_id).encode()]
    if attachment:
        lines.append(b'Content-Type: multipart/mixed; boundary="mixed"\n\n'
                     b"--mixed\n")
    lines += [
        b'Content-Type: multipart/alternative; boundary="alt"\n\n'
        b"--alt\nContent-Type: text/plain; charset=utf-8\n\n",
        text,
        b"\n--alt\nContent-Type: text/html; charset=utf-8\n"
        b"Content-Transfer-Encoding: ", encoding.encode(), b"\n\n",
        encode(page, encoding), b"\n--alt--\n"]
    if attachment:
        lines += [
            b"\n--mixed\nContent-Type: application/octet-stream\n"
            b"Content-Disposition: attachment; filename=figures.bin\n"
            b"Content-Transfer-Encoding: base64\n\n",
            base64.encodebytes(bytes(range(256)) * (attachment // 346)),
            b"\n--mixed--\n"]
    return b"".join(lines).replace(b"\n", b"\r\n")
