# SPDX-License-Identifier: BSD-2-Clause
"""What was signed or encrypted before us passes the milter as it is, with
tracking on and HTML inside, and openssl and gpg still accept it."""

import os
import re
import secrets
import smtplib
import subprocess

import pytest

from tests.lib.corpus import LARGE, OWN, files
from tests.lib.milter import MilterHost
from tests.lib.process import Lab, run

SENDER = "alice@example.org"
HTML = ("<html><head><title>Invoice</title></head><body>\r\n"
        "<p>This is what Alice wrote: 17 \u20ac.</p>\r\n"
        "</body></html>\r\n")
SINGLE = ("Content-Type: text/html; charset=utf-8\r\n"
          "Content-Transfer-Encoding: 8bit\r\n\r\n" + HTML).encode()
PLAIN = ("Content-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: 8bit\r\n\r\n"
         "This is what Alice wrote: 17 \u20ac.  \r\n").encode()


def multipart(subtype, *parts, **params):
    """An entity; the parts end where the line end before a boundary does."""
    boundary = f"=-{secrets.token_hex(8)}"
    listed = "".join(f";\r\n\t{k.replace('_', '-')}=\"{v}\"" for k, v in {
        **params, "boundary": boundary}.items())
    return (f"Content-Type: multipart/{subtype}{listed}\r\n\r\n".encode()
            + b"".join(f"--{boundary}\r\n".encode() + p + b"\r\n"
                       for p in parts) + f"--{boundary}--\r\n".encode())


ENTITIES = {
    "html": SINGLE,
    "alternative": multipart("alternative", PLAIN, SINGLE),
    "mixed": multipart("mixed", multipart("alternative", PLAIN, SINGLE),
                       PLAIN),
}
FOOTER = b"Content-Type: text/html\r\n\r\n<body>The list.</body>\r\n"


class Openssl:
    """S/MIME with a certificate of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.key = self.path("key.pem")
        self.cert = self.path("cert.pem")
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", self.key, "-out", self.cert, "-days", "3",
             "-subj", f"/CN=Alice/emailAddress={SENDER}",
             "-addext", f"subjectAltName=email:{SENDER}",
             "-addext", "extendedKeyUsage=emailProtection"])

    def path(self, name):
        return os.path.join(self.directory, name)

    def cms(self, *args, data, ok=(0,)):
        """(exit code, standard output)"""
        path = self.path("input")
        with open(path, "wb") as f:
            f.write(data)
        verb, *args = args
        done = subprocess.run(["openssl", "cms", verb, "-in", path, *args],
                              capture_output=True, check=False, timeout=60)
        assert ok is None or done.returncode in ok, done.stderr.decode()
        return done.returncode, done.stdout

    def sign(self, entity, *args):
        return crlf(self.cms("-sign", "-signer", self.cert, "-inkey",
                             self.key, *args, data=entity)[1])

    def encrypt(self, entity):
        return crlf(self.cms("-encrypt", "-aes256", self.cert,
                             data=entity)[1])

    def verify(self, data):
        """What was signed, and by our certificate."""
        return self.cms("-verify", "-CAfile", self.cert, data=data)[1]

    def decrypt(self, data):
        return self.cms("-decrypt", "-recip", self.cert, "-inkey", self.key,
                        data=data)[1]

    def accepts(self, data):
        """Whether the signature is good, whoever's it is."""
        return self.cms("-verify", "-noverify", data=data, ok=None)[0] == 0


class Gpg:
    """OpenPGP with a key ring of its own."""

    def __init__(self, directory):
        self.directory = directory
        os.chmod(directory, 0o700)
        self("--quick-gen-key", SENDER, "future-default", "default",
             "never")

    def __call__(self, *args, data=b"", ok=(0,)):
        done = subprocess.run(
            ["gpg", "--homedir", self.directory, "--batch", "--yes",
             "--quiet", "--passphrase", "", "--pinentry-mode", "loopback",
             "--trust-model", "always", "--digest-algo", "SHA256", *args],
            input=data, capture_output=True, check=False, timeout=60)
        assert done.returncode in ok, done.stderr.decode()
        return done.stdout

    def stop(self):
        """The agent that gpg started is not our child."""
        run(["gpgconf", "--homedir", self.directory, "--kill", "all"])

    def armour(self, *args, data):
        return crlf(self("--armor", *args, data=data))

    def sign(self, entity):
        """RFC 3156, 5."""
        signature = (b"Content-Type: application/pgp-signature\r\n\r\n"
                     + self.armour("--detach-sign", data=entity))
        return multipart("signed", entity, signature, micalg="pgp-sha256",
                         protocol="application/pgp-signature")

    def encrypt(self, entity, *args):
        """RFC 3156, 4; with --sign, 6.2."""
        return multipart(
            "encrypted",
            b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
            b"Content-Type: application/octet-stream\r\n\r\n" + self.armour(
                "--encrypt", "-r", SENDER, *args, data=entity),
            protocol="application/pgp-encrypted")

    def verify(self, data):
        """The entity that a multipart/signed holds a good signature of."""
        boundary = re.search(rb'boundary="?([^"\r\n]+)', data)[1]
        entity, signature = data.split(b"--" + boundary)[1:3]
        entity = entity[2:-2]  # line ends of and before a delimiter
        path = os.path.join(self.directory, "signature")
        with open(path, "wb") as f:
            f.write(signature.split(b"\r\n\r\n", 1)[1])
        self("--verify", path, "-", data=entity)
        return entity

    def open(self, data):
        """What the first armoured message in it says."""
        armour = re.search(rb"-----BEGIN PGP (?:SIGNED )?MESSAGE-----.*?"
                           rb"-----END PGP (?:MESSAGE|SIGNATURE)-----\r\n",
                           data, re.S)[0]
        return self("--decrypt", data=armour)


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def host(build, needs_root):
    with Lab() as lab:
        # Else smtp(8) folds long lines on their way to the sink.
        yield MilterHost(lab, build, settings={
            "smtp_line_length_limit": "0"}).start()


@pytest.fixture(scope="module")
def openssl(tmp_path_factory):
    return Openssl(tmp_path_factory.mktemp("openssl"))


@pytest.fixture(scope="module")
def gpg():
    with Lab() as lab:  # its sockets need a short path
        gpg = Gpg(lab.subdir("gnupg"))
        yield gpg
        gpg.stop()


def through(host, entity, head=b""):
    """Entity in a message through the milter: (as sent, as delivered)."""
    name = f"{secrets.token_hex(8)}@example.org"
    data = (f"From: {SENDER}\r\nTo: bob@example.com\r\nSubject: Sealed\r\n"
            "Date: Fri, 20 Nov 2026 18:00:00 +0000\r\n"
            f"Message-ID: <{name}>\r\n").encode() + head \
        + (b"" if b"MIME-Version:" in entity[:200]
           else b"MIME-Version: 1.0\r\n") + entity
    send(host, data)
    return data, host.sink.data(host.sink.wait(f"<{name}>"))


def send(host, data):
    with smtplib.SMTP("127.0.0.1", host.postfix.port, timeout=60) as client:
        client.sendmail(SENDER, ["bob@example.com"], data,
                        mail_options=["BODY=8BITMIME"])


def unchanged(pair):
    """The delivered message, whose bytes are those of the one sent."""
    sent, copy = pair
    assert copy.endswith(sent)
    assert b"X-Mailtrail" not in copy
    return copy


def test_tracking_is_on(host):
    """Else everything below would prove nothing."""
    for entity in ENTITIES.values():
        sent, copy = through(host, entity)
        assert b"https://open.example.org/i/" in copy


@pytest.mark.parametrize("name", ENTITIES)
@pytest.mark.parametrize("form", ["clear", "opaque", "clear, listed"])
def test_smime_signatures_hold(host, openssl, name, form):
    entity = ENTITIES[name]
    sealed = openssl.sign(entity, *(["-nodetach"] if form == "opaque"
                                    else []))
    if form == "clear, listed":
        sealed = sealed.partition(b"\r\n")[2]  # MIME-Version
        sealed = multipart("mixed", sealed, FOOTER)
    copy = unchanged(through(host, sealed))
    if form == "clear, listed":
        start = copy.index(b"Content-Type: multipart/signed")
        copy = b"MIME-Version: 1.0\r\n" + copy[start:]
    assert openssl.verify(copy) == entity


@pytest.mark.parametrize("name", ENTITIES)
def test_smime_is_still_decrypted(host, openssl, name):
    entity = ENTITIES[name]
    copy = unchanged(through(host, openssl.encrypt(entity)))
    assert openssl.decrypt(copy) == entity
    copy = unchanged(through(host, openssl.encrypt(openssl.sign(entity))))
    assert openssl.verify(openssl.decrypt(copy)) == entity


@pytest.mark.parametrize("name", ENTITIES)
@pytest.mark.parametrize("listed", [False, True])
def test_pgp_mime_signatures_hold(host, gpg, name, listed):
    sealed = gpg.sign(ENTITIES[name])
    if listed:
        sealed = multipart("mixed", sealed, FOOTER)
    copy = unchanged(through(host, sealed))
    start = copy.index(b"Content-Type: multipart/signed")
    assert gpg.verify(copy[start:]) == ENTITIES[name]


@pytest.mark.parametrize("name", ENTITIES)
@pytest.mark.parametrize("args", [(), ("--sign",)], ids=["", "signed"])
def test_pgp_mime_is_still_decrypted(host, gpg, name, args):
    copy = unchanged(through(host, gpg.encrypt(ENTITIES[name], *args)))
    assert gpg.open(copy) == ENTITIES[name]


TEXT = b"This is what Alice wrote.\r\n"
INLINE = {
    "clear-signed text": lambda gpg: b"Content-Type: text/plain\r\n\r\n"
    + gpg.armour("--clear-sign", data=TEXT),
    "clear-signed in HTML": lambda gpg: b"Content-Type: text/html\r\n\r\n"
    b"<html><body><pre>\r\n" + gpg.armour("--clear-sign", data=TEXT)
    + b"</pre></body></html>\r\n",
    "encrypted in HTML": lambda gpg: b"Content-Type: text/html\r\n\r\n"
    b"<html><body><pre>\r\n" + gpg.armour("--encrypt", "-r", SENDER,
                                          data=TEXT)
    + b"</pre></body></html>\r\n",
    "encrypted text with HTML": lambda gpg: multipart(
        "alternative", b"Content-Type: text/plain\r\n\r\n" + gpg.armour(
            "--encrypt", "-r", SENDER, data=TEXT),
        b"Content-Type: text/html\r\n\r\n<html><body><pre>\r\n"
        + gpg.armour("--encrypt", "-r", SENDER, data=TEXT)
        + b"</pre></body></html>\r\n"),
}


@pytest.mark.parametrize("name", INLINE)
def test_inline_armour_is_left_alone(host, gpg, name):
    copy = unchanged(through(host, INLINE[name](gpg)))
    assert crlf(gpg.open(copy)) == TEXT


def test_text_signed_beside_html_still_holds(host, gpg):
    """Whether or not the HTML is marked, the text is not ours to change."""
    text = b"Content-Type: text/plain\r\n\r\n" \
        + gpg.armour("--clear-sign", data=TEXT)
    _, copy = through(host, multipart("alternative", text, SINGLE))
    assert text in copy
    assert crlf(gpg.open(copy)) == TEXT


def signed_samples():
    """S/MIME of others whose signature is good as the file stands."""
    for path in files(OWN, LARGE):
        with open(path, "rb") as f:
            data = f.read()
        if data.startswith(b"From "):
            data = data.partition(b"\n")[2]
        head = data[:20000].lower()
        if b"pkcs7" in head and b"\0" not in data:
            yield path, crlf(data)


def test_smime_of_others_still_verifies(host, openssl):
    good = [(p, d) for p, d in signed_samples() if openssl.accepts(d)]
    for n, (path, data) in enumerate(good):
        name = f"<sample.{n}.{secrets.token_hex(4)}@example.org>"
        data = re.sub(rb"(?im)^message-id:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*",
                      b"", data, count=1)
        data = f"Message-ID: {name}\r\n".encode() + data
        send(host, data)
        copy = host.sink.data(host.sink.wait(name))
        assert openssl.accepts(copy), path
        assert copy.split(b"\r\n\r\n", 1)[1] == data.split(b"\r\n\r\n", 1)[1]
        assert b"X-Mailtrail" not in copy, path
    assert len(good) >= (10 if os.path.isdir(LARGE) else 2)
