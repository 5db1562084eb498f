# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail markup`: a filter that changes one place or nothing."""

import base64
import html as html_text
import os
import re
import subprocess

import pytest

from tests.lib.checked import assert_cost
from tests.lib.ctl import EX_CONFIG, EX_IOERR, EX_USAGE, Ctl

URL = "https://open.example.org/i/AbCdEf.gif"
HTML = b"<html><body><p>Gr\xc3\xbc\xc3\x9fe</p></body></html>"


def message(body, *fields, eol=b"\r\n"):
    head = [b"From: alice@example.org", b"Subject: x", *fields]
    return eol.join(head) + eol * 2 + body.replace(b"\n", eol)


def html(encoding, body, charset=b"utf-8", eol=b"\r\n"):
    return message(body, b"Content-Type: text/html; charset=" + charset,
                   b"Content-Transfer-Encoding: " + encoding, eol=eol)


def alternative(eol=b"\r\n"):
    body = (b"--b\nContent-Type: text/plain\n\nHello\n--b\n"
            b"Content-Type: text/html; charset=utf-8\n"
            b"Content-Transfer-Encoding: 8bit\n\n" + HTML + b"\n--b--\n")
    return message(body, b'Content-Type: multipart/alternative; boundary="b"',
                   eol=eol)


def markup(ctl, data, *args):
    """(output, the one line of --explain)"""
    done = ctl.raw("markup", "--pixel-url", URL, "--explain", *args,
                   input=data, conf=False)
    assert done.returncode == 0
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and done.stderr.endswith(b"\n")
    return done.stdout, lines[0]


def insertion(before, after, at=None):
    """What was inserted (at that offset); nothing else differs."""
    grown = len(after) - len(before)
    most = len(os.path.commonprefix([before, after]))
    for start in range(max(0, most - grown), most + 1) if at is None \
            else [at]:
        if grown > 0 and after[:start] + after[start + grown:] == before:
            return after[start:start + grown]
    raise AssertionError("not one insertion")


MARKED = {
    "single, 7bit": (html(b"7bit", b"<html><body>x</body></html>\n",
                          b"us-ascii"), "part=1 encoding=7bit "
                     "charset=us-ascii"),
    "single, 8bit": (html(b"8bit", HTML + b"\n"),
                     "part=1 encoding=8bit charset=utf-8"),
    "single, Latin-1": (html(b"8bit", b"<body>Gr\xfc\xdfe</body>\n",
                             b"ISO-8859-1"),
                        "part=1 encoding=8bit charset=iso-8859-1"),
    "alternative": (alternative(),
                    "part=2 encoding=8bit charset=utf-8"),
}


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("eol", [b"\r\n", b"\n"], ids=["crlf", "lf"])
def test_a_message_gets_one_insertion(ctl, name, eol):
    data, said = MARKED[name]
    data = data.replace(b"\r\n", eol)
    out, line = markup(ctl, data)
    assert line.startswith(f"markup=done {said} at=")
    inserted = insertion(data, out, int(line.rpartition("=")[2]))
    assert inserted.count(URL.encode()) == 1
    assert inserted.count(b"\r\n") == inserted.count(b"\n") * (eol != b"\n")


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_encoded_parts_stay_encoded(ctl, encoding, eol):
    if encoding == "base64":
        body = base64.encodebytes(HTML * 5)
        decode = base64.b64decode
    else:
        import quopri
        body = quopri.encodestring(HTML * 5) + b"\n"
        decode = quopri.decodestring
    data = html(encoding.encode(), body, eol=eol)
    out, line = markup(ctl, data)
    assert line.startswith(f"markup=done part=1 encoding={encoding} "
                           "charset=utf-8 at=")
    head, _, coded = out.partition(eol * 2)
    assert data.startswith(head + eol * 2)
    if eol == b"\r\n":
        assert coded.count(b"\n") == coded.count(b"\r\n")
    else:
        assert b"\r" not in coded
    assert max(map(len, coded.splitlines())) <= 76
    inserted = insertion(decode(body).rstrip(b"\n"),
                         decode(coded.replace(b"\r\n", b"\n"))
                         .rstrip(b"\n"))
    assert inserted.count(URL.encode()) == 1


REFUSED = {
    "plain": (message(b"Hello\n"), "plain"),
    "nothing at all": (b"", "plain"),
    "no header": (b"\r\nHello\r\n", "plain"),
    "signed": (message(b"--b\n\nx\n--b--\n", b"Content-Type: multipart/"
                       b"signed; boundary=b; micalg=pgp-sha256; "
                       b"protocol=\"application/pgp-signature\""), "signed"),
    "DKIM": (message(b"<body>x</body>\n", b"DKIM-Signature: v=1; a=x",
                     b"Content-Type: text/html"), "dkim"),
    "UTF-7": (html(b"7bit", b"<p>x</p>\n", b"utf-7"), "charset"),
    "garbage base64": (html(b"base64", b"<<<<\n"), "encoding"),
    "boundary missing": (message(b"x\n", b"Content-Type: multipart/mixed"),
                         "malformed"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("eol", [b"\r\n", b"\n"], ids=["crlf", "lf"])
def test_a_refused_message_is_the_same_bytes(ctl, name, eol):
    data, reason = REFUSED[name]
    data = data.replace(b"\r\n", eol)
    out, line = markup(ctl, data)
    assert out == data
    assert line == f"markup=refused reason={reason}"


@pytest.mark.parametrize("data", [
    bytes(range(256)) * 50, b"\x00", b"\n", b"\r", b"\r\n\r\n", b"From ",
    b"Content-Type: text/html", b"A: b\nContent-Type: text/html\n\n",
    b"Content-Type: text/html\n\n<body" + b"<" * 5000,
], ids=range(9))
def test_garbage_is_refused_or_gets_one_insertion(ctl, data):
    out, line = markup(ctl, data)
    if line.startswith("markup=refused"):
        assert out == data
    else:
        insertion(data, out)


def test_a_message_above_the_limit_passes_through_a_pipe(ctl, tmp_path):
    data = html(b"7bit", b"<body>" + b"x" * (80 << 20) + b"</body>\n")
    out, line = markup(ctl, data)
    assert line == "markup=refused reason=too_large"
    assert out == data


def test_memory_is_bounded(ctl, tmp_path):
    """At most 2.2 times the message (and what any process takes)."""
    path = tmp_path / "large.eml"
    size = 12 << 20
    path.write_bytes(html(b"8bit", b"<body>" + (b"x" * 70 + b"\n") *
                          (size // 71) + b"</body>\n"))
    with open(path, "rb") as f:
        done = subprocess.run(
            ["/usr/bin/python3", "-c", "import resource, subprocess, sys\n"
             "subprocess.run(sys.argv[1:], check=True, "
             "stdout=subprocess.DEVNULL)\n"
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
             ctl.program, "markup", "--pixel-url", URL],
            stdin=f, capture_output=True, timeout=60, check=True)
    assert_cost(int(done.stdout) * 1024, 2.2 * size + (16 << 20))


def test_without_explain_it_says_nothing(ctl):
    done = ctl.raw("markup", "--pixel-url", URL, input=alternative(),
                   conf=False)
    assert done.stderr == b"" and URL.encode() in done.stdout


def test_a_notice_stands_before_the_pixel(ctl):
    out, _ = markup(ctl, alternative(), "--notice", "Seen & <counted>: \u00fc")
    found = re.search(rb">(Seen .*?)<.*<img", out, re.S)
    assert html_text.unescape(found[1].decode()) == "Seen & <counted>: \u00fc"


def token_url(ctl):
    return ctl("token", "make", "--url", "-o",
               "pixel_url=https://open.example.org")[0].strip()


def reply(*urls):
    quoted = "".join(f'<img src="{u}" width="1" height="1" alt="">'
                     for u in urls)
    return html(b"8bit", b"<body>Yes.<blockquote>" + quoted.encode() +
                b"</blockquote></body>\n")


def test_the_notice_goes_into_plain_text_when_asked(ctl):
    data = alternative()
    notice = ("--notice", "Seen & <counted>: \u00fc")
    assert markup(ctl, data, *notice)[0].count(b"Seen") == 1
    out, line = markup(ctl, data, *notice, "--notice-plain")
    # The part declares no charset, so that of us-ascii: it has no \u00fc.
    assert not line.endswith("notice_plain=yes") and out.count(b"Seen") == 1
    data = data.replace(b"Content-Type: text/plain\r\n", b"Content-Type: "
                        b"text/plain; charset=utf-8\r\n"
                        b"Content-Transfer-Encoding: 8bit\r\n")
    out, line = markup(ctl, data, *notice, "--notice-plain")
    assert line.endswith(" notice_plain=yes")
    plain, marked = out.split(b"--b\r\nContent-Type: text/html")
    assert plain.endswith("Seen & <counted>: \u00fc\r\n".encode())
    assert html_text.unescape(re.search(b">(Seen.*?)<", marked)[1].decode()) \
        == "Seen & <counted>: \u00fc"


def test_pixels_that_are_quoted_show_nothing_when_they_are_ours(
        ctl, tmp_path):
    ctl("key", "new")
    (tmp_path / "other").mkdir()
    other = Ctl(os.path.dirname(os.path.dirname(ctl.program)),
                tmp_path / "other")
    other("key", "new")
    keys = ctl.options["token_keys"]
    ours, theirs = token_url(ctl), token_url(other)
    data = reply(ours, theirs, "https://elsewhere.example/x.png")
    kept, line = markup(ctl, data)
    assert "quoted" not in line and ours.encode() in kept
    insertion(data, kept)
    out, line = markup(ctl, data, "--quoted", keys)
    assert line.endswith(" quoted=1")
    assert len(out) == len(kept) and out != kept
    assert ours.encode() not in out and theirs.encode() in out
    assert b"https://elsewhere.example/x.png" in out
    assert out.count(URL.encode()) == 1
    # Outside the one tag nothing differs.
    at, end = kept.index(b"<img"), kept.index(b">", kept.index(b"<img"))
    assert out[:at] == kept[:at] and out[end + 1:] == kept[end + 1:]
    # A token with a wrong MAC is nobody's.
    bent = ours[:-6] + ("AA" if ours[-6:-4] != "AA" else "BB") + ours[-4:]
    data = reply(bent)
    out, line = markup(ctl, data, "--quoted", keys)
    assert "quoted" not in line and bent.encode() in out


def test_without_a_good_key_file_nothing_is_written(ctl, tmp_path):
    done = ctl.raw("markup", "--pixel-url", URL, "--quoted",
                   tmp_path / "none.keys", input=alternative(), conf=False)
    assert (done.returncode, done.stdout) == (EX_CONFIG, b"")
    assert done.stderr.startswith(b"mailtrail markup: " +
                                  bytes(tmp_path / "none.keys"))
    loose = tmp_path / "loose.keys"
    ctl("key", "new")
    loose.write_bytes(open(ctl.options["token_keys"], "rb").read())
    loose.chmod(0o644)
    done = ctl.raw("markup", "--pixel-url", URL, "--quoted", loose,
                   input=alternative(), conf=False)
    assert (done.returncode, done.stdout) == (EX_CONFIG, b"")


@pytest.mark.parametrize("args, message", [
    ([], "--pixel-url is missing"),
    (["--pixel-url", "ftp://x/"],
     "--pixel-url: not an http or https URL of at most 800 bytes"),
    (["--pixel-url", 'https://x/"><script>'],
     "--pixel-url: not an http or https URL of at most 800 bytes"),
    (["--pixel-url", "https://x/a b"],
     "--pixel-url: not an http or https URL of at most 800 bytes"),
    (["--pixel-url", "https://x/" + "a" * 800],
     "--pixel-url: not an http or https URL of at most 800 bytes"),
    (["--pixel-url", "https://"],
     "--pixel-url: not an http or https URL of at most 800 bytes"),
    (["--pixel-url", URL, "--notice", "x" * 2001],
     "--notice: not UTF-8 of at most 2000 bytes"),
    (["--pixel-url", URL, "--notice", b"\xff"],
     "--notice: not UTF-8 of at most 2000 bytes"),
    (["--pixel-url", URL, "in.eml"], "unexpected argument 'in.eml'"),
])
def test_bad_usage(ctl, args, message):
    ctl.fails(EX_USAGE, f"mailtrail markup: {message}", "markup",
              *map(os.fsdecode, args), input=alternative())


def test_unreadable_input_and_full_output(ctl, tmp_path):
    argv = [ctl.program, "markup", "--pixel-url", URL]
    fd = os.open(tmp_path, os.O_RDONLY)
    done = subprocess.run(argv, stdin=fd, capture_output=True, timeout=20)
    os.close(fd)
    assert (done.returncode, done.stdout) == (EX_IOERR, b"")
    assert done.stderr == (b"mailtrail markup: standard input: "
                           b"Is a directory\n")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(argv, input=alternative(), stdout=full,
                              stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == EX_IOERR
    assert done.stderr == (b"mailtrail: standard output: "
                           b"No space left on device\n")
