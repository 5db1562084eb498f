# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` on the mailbox that mailtrail-feed reads. Its socket, and
what is said of a program that is stopped: test_ctl_doctor_programs.py."""

import os

import pytest

from tests.lib.doctor import checks, only
from tests.lib.feeding import Feed
from tests.lib.mailbox import Mailbox


@pytest.fixture
def mailbox(own_lab):
    return Mailbox(own_lab).start()


@pytest.fixture
def feed(doctor, own_lab, build, mailbox):
    """Its option file stands beside the command's."""
    password = own_lab.path("password")
    with open(password, "w", encoding="ascii") as f:
        f.write(Mailbox.password + "\n")
    os.chmod(password, 0o600)
    feed = Feed(own_lab, build)
    feed.conf = os.path.join(doctor.directory, "feed.conf")
    feed.process.argv[-1] = feed.conf
    feed.set(listen="none", spool_dir=doctor.options["spool_dir"],
             imap=f"imaps://localhost:{mailbox.tls_port}",
             imap_user="reports", imap_password_file=password,
             imap_ca_file=mailbox.ca)
    return feed


def test_the_mailbox_is_looked_at_and_left_as_it_is(doctor, feed, mailbox):
    feed.start()
    mailbox.add(b"Subject: x\r\n\r\nHello.\r\n")
    where = f"imaps://localhost:{mailbox.tls_port}"
    assert checks(doctor, "imap") == [
        ("ok", f"{where} shows the mailbox INBOX", None)]
    assert mailbox.messages() == [(False, "x")]
    # By the option imap_tls, too.
    feed.set(imap=f"imap://localhost:{mailbox.port}")
    assert checks(doctor, "imap")[0][0] == "ok"


def test_who_reads_it_is_looked_for(doctor, feed):
    found, remedy = only(doctor, "imap", "FAIL")
    assert found == "mailtrail-feed is not running"
    assert remedy.startswith("start it: systemctl start mailtrail-feed")
    feed.start()
    assert [c[0] for c in checks(doctor, "imap")] == ["ok"]
    feed.process.pause()
    found, remedy = only(doctor, "imap", "FAIL")
    assert found == ("mailtrail-feed does nothing: process "
                     f"{feed.process.pid} is stopped")
    assert remedy.startswith(f"let it go on: kill -CONT {feed.process.pid}")
    feed.process.resume()


def wrong_password(feed, mailbox):
    with open(feed.options["imap_password_file"], "w",
              encoding="ascii") as f:
        f.write("guessed\n")


@pytest.mark.parametrize("change, said", [
    (wrong_password, "Login denied"),
    (lambda f, m: f.set(imap_mailbox="Reports"), "no such mailbox"),
    (lambda f, m: f.set(imap_ca_file=None), "certificate"),
    (lambda f, m: os.chmod(f.options["imap_password_file"], 0o644),
     "imap_password_file: "),
    (lambda f, m: m.stop(), "Failed to connect"),
], ids=["password", "mailbox", "certificate", "file", "away"])
def test_what_keeps_it_out_is_named(doctor, feed, mailbox, change, said):
    change(feed, mailbox)
    feed.start()
    found, remedy = only(doctor, "imap", "FAIL")
    where = f"imaps://localhost:{mailbox.tls_port}, mailbox "
    assert found.startswith(where) and said in found, found
    assert "reports wait in the mailbox" in remedy


def test_options_that_others_share_are_compared(doctor, feed):
    with open(os.path.join(doctor.directory, "ship.conf"), "w",
              encoding="ascii") as f:
        f.write("host = mx.example.org\nspool_dir = /elsewhere\n")
    said = [c[1] for c in checks(doctor, "config") if c[0] == "FAIL"]
    assert f"spool_dir: {feed.options['spool_dir']} in feed.conf, but " \
        "/elsewhere in ship.conf" in said
