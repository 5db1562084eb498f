# SPDX-License-Identifier: BSD-2-Clause
"""DKIM signed after the mark holds, with real Postfix, milters and signers,
for every encoding the mark has to be written in."""

import base64
import quopri
import re
import smtplib

import pytest

from tests.lib.corpus import html_of
from tests.lib.milter import MilterHost
from tests.lib.opendkim import OpenDkim
from tests.lib.process import Lab
from tests.lib.rspamd import Rspamd

PORTS = {"submission": "alice@example.org", "dora": "dora@example.org"}
TOKEN = r"https://open\.example\.org/i/[A-Za-z0-9_-]{34}\.gif"

TEXT = "Gr\u00fc\u00dfe an {0} und alle <a href=\"https://b.example/?a=1\">" \
    "anderen</a>!"
PAGE = ("<html><head><title>Neues</title></head><body bgcolor=\"#ffffff\">\n"
        "<table width=\"600\"><tr><td>{text}</td></tr></table>\n"
        "</body></html>\n")
NAMES = {
    "us-ascii": "Bob", "utf-8": "\u20ac \u4f60\u597d",
    "iso-8859-1": "Ren\u00e9",
    "windows-1251": "\u0411\u043e\u0440\u0438\u0441",
    "gb18030": "\u4f60\u597d", "iso-2022-jp": "\u5c71\u7530",
    "utf-16": "\u5c71 \U0001f600", "utf-16le": "\u5c71",
    "shift_jis": "\u8868\u30bd",
}


def page(charset, lines=1):
    """HTML with something of the character set's own on every line."""
    text = TEXT.format(NAMES[charset])
    if charset not in ("utf-8", "iso-8859-1", "gb18030") \
            and not charset.startswith("utf-16"):
        text = text.replace("\u00fc", "&uuml;").replace("\u00df", "&szlig;")
    return PAGE.format(text="<br>\n".join([text] * lines)).replace(
        "\n", "\r\n").encode(charset)


ENCODE = {
    "7bit": lambda t: t,
    "8bit": lambda t: t,
    "quoted-printable": lambda t: quopri.encodestring(
        t.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n"),
    "base64": lambda t: base64.encodebytes(t).replace(b"\n", b"\r\n"),
}


def leaf(charset, encoding, html=None):
    return (f"Content-Type: text/html; charset={charset}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode() \
        + ENCODE[encoding](html or page(charset))


def alternative(part):
    return (b"Content-Type: multipart/alternative;\r\n\tboundary=\"b 1\"\r\n"
            b"\r\nThis is MIME.\r\n--b 1\r\n\r\nHello\r\n--b 1\r\n" + part
            + b"\r\n--b 1--\r\nepilogue\r\n")


def mixed(part):
    return (b"Content-Type: multipart/mixed; boundary=\"=_m\"\r\n\r\n"
            b"--=_m\r\n" + alternative(part) + b"\r\n--=_m\r\n"
            b"Content-Type: text/html; name=a.html\r\n"
            b"Content-Disposition: attachment; filename=a.html\r\n\r\n"
            b"<body>attached</body>\r\n--=_m--\r\n")


def message(name, entity, *fields, sender="alice@example.org"):
    """Header and entity; the entity begins with its Content-Type."""
    head = [f"Message-ID: <{name}@example.org>", f"From: {sender}",
            "To: bob@example.com", "Date: Fri, 20 Nov 2026 18:00:00 +0000",
            *(fields or ("Subject: Neues",)), "MIME-Version: 1.0"]
    return "\r\n".join(head).encode() + b"\r\n" + entity


ODD_FIELDS = (
    "Subject:no blank before\r\n\t\tand two tabs in  the fold   ",
    "X-Long: " + "word " * 40 + "\r\n " + "x" * 900,
    "X-Empty:", "X-Blank: ", "x-lower:   three blanks",
    "X-Folded:\r\n    first on the second line\r\n\tand a third",
    "References: <a@b>\r\n <c@d>\r\n\t<e@f>",
    "Comments: 8bit \u20ac",
)


def marked_messages():
    """(name, sender, message)"""
    for charset, encoding in (
            ("us-ascii", "7bit"), ("utf-8", "8bit"), ("gb18030", "8bit"),
            ("shift_jis", "8bit"), ("iso-8859-1", "quoted-printable"),
            ("windows-1251", "quoted-printable"), ("utf-8", "base64"),
            ("utf-16", "base64"), ("utf-16le", "base64"),
            ("iso-2022-jp", "7bit"), ("iso-2022-jp", "quoted-printable"),
            ("iso-2022-jp", "base64")):
        entity = leaf(charset, encoding)
        yield f"{charset}-{encoding}", "alice@example.org", entity, ()
        if encoding in ("8bit", "quoted-printable", "base64") \
                and charset in ("utf-8", "iso-8859-1", "utf-16"):
            yield (f"notice-{charset}-{encoding}", "dora@example.org",
                   alternative(entity), ())
    for encoding in ("8bit", "quoted-printable", "base64"):
        yield (f"large-{encoding}", "alice@example.org",
               leaf("utf-8", encoding, page("utf-8", 2000)), ())
    yield ("mixed", "alice@example.org",
           mixed(leaf("utf-8", "quoted-printable")), ())
    yield ("no-last-line-end", "alice@example.org",
           leaf("utf-8", "8bit", page("utf-8").rstrip()), ())
    yield ("empty-lines-at-the-end", "alice@example.org",
           leaf("utf-8", "8bit", page("utf-8") + b"\r\n \r\n\r\n\r\n"), ())
    yield ("odd-fields", "dora@example.org",
           alternative(leaf("utf-8", "8bit")), ODD_FIELDS)


MARKED = {name: (sender, message(name, entity, *fields, sender=sender))
          for name, sender, entity, fields in marked_messages()}

SIGNERS = {
    "rspamd": Rspamd,
    "opendkim-relaxed": lambda lab: OpenDkim(lab, "relaxed/relaxed"),
    "opendkim-simple": lambda lab: OpenDkim(lab, "simple/simple"),
}


def send(host, sender, data):
    with smtplib.SMTP("127.0.0.1", host.postfix.ports[
            "dora" if sender.startswith("dora") else "submission"],
            timeout=60) as client:
        client.sendmail(sender, ["bob@example.com"], data,
                        mail_options=["BODY=8BITMIME"])


def delivered(host, name):
    return host.sink.data(host.sink.wait(f"<{name}@example.org>"))


@pytest.fixture(scope="module", params=sorted(SIGNERS))
def signing(request, build, needs_root):
    """A host whose signer has had all messages after our milter."""
    with Lab() as lab:
        signer = SIGNERS[request.param](lab).start()
        host = MilterHost(lab, build, ports=PORTS,
                          behind=[signer.milter]).start()
        for sender, data in MARKED.values():
            send(host, sender, data)
        yield signer, host


def once_inserted(before, after):
    """The one insertion that makes before to after, or None."""
    n = len(after) - len(before)
    for at in range(len(before) + 1):
        if n > 0 and after[at:at + n] and after.startswith(before[:at]) \
                and after[at + n:] == before[at:]:
            return after[at:at + n]
        if at < len(before) and before[at] != after[at]:
            break
    return None


def text_of(data):
    """The HTML as text, its lines as they are."""
    html, charset = html_of(data)
    return html.decode(charset)


@pytest.mark.parametrize("name", MARKED)
def test_dkim_holds_on_a_marked_message(signing, name):
    signer, host = signing
    sender, data = MARKED[name]
    copy = delivered(host, name)
    assert b"\r\nX-Mailtrail-Mark: " in copy
    inserted = once_inserted(*(
        text_of(d).replace("\r\n", "\n").rstrip("\n") for d in (data, copy)))
    assert inserted is not None
    assert len(re.findall(TOKEN, inserted)) == 1
    assert ("Dora sees" in inserted) == sender.startswith("dora")
    assert signer.verify(copy)
    # In "simple" OpenDKIM's own reader wants one blank after each colon.
    if name != "odd-fields" or signer.canonicalization != "simple/simple":
        assert signer.verify_by_opendkim(copy)
    assert f"c={signer.canonicalization}; " in copy.decode("latin-1")


def test_a_changed_copy_does_not_verify(signing):
    """So that the test before would see a damage."""
    signer, host = signing
    copy = delivered(host, "utf-8-base64")
    broken = copy.replace(b"=\r\n", b"\r\n") if copy.endswith(b"=\r\n") \
        else copy[:-10] + b"A" + copy[-9:]
    assert not signer.verify(broken)
    assert not signer.verify_by_opendkim(broken)
