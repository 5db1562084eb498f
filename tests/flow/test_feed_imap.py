# SPDX-License-Identifier: BSD-2-Clause
"""Reports that wait in a real mailbox, behind TLS."""

import os
import signal
import smtplib

import pytest

from tests.lib.feeding import Feed
from tests.lib.mailbox import Mailbox
from tests.lib.process import wait_for

REPORTS = "tests/data/reports"
LETTER = b"From: bob@example.com\r\nSubject: Hello\r\n\r\nHello.\r\n"


@pytest.fixture
def reports(root):
    """Two reports: of three notices, and of one."""
    found = []
    for name in ("two-recipients", "arf-rfc"):
        with open(root / REPORTS / f"{name}.eml", "rb") as f:
            found.append(f.read().replace(b"\n", b"\r\n"))
    return found


def make(lab, build, mailbox, **options):
    directory = lab.subdir("feed")
    password = os.path.join(directory, "password")
    with open(password, "w", encoding="ascii") as f:
        f.write(Mailbox.password + "\n")
    os.chmod(password, 0o600)
    return Feed(lab, build, **{
        "listen": "none", "imap": f"imaps://localhost:{mailbox.tls_port}",
        "imap_user": "reports", "imap_password_file": password,
        "imap_ca_file": mailbox.ca, "imap_poll_ms": 300, **options})


def read_marks(mailbox, folder="INBOX"):
    return [seen for seen, _ in mailbox.messages(folder)]


def test_reports_are_taken_and_marked_and_letters_left_alone(
        own_lab, build, reports):
    mailbox = Mailbox(own_lab).start()
    for message in (LETTER, reports[0], LETTER):
        mailbox.add(message)
    feed = make(own_lab, build, mailbox).start()
    assert len(feed.notices(3)) == 3
    wait_for(lambda: read_marks(mailbox) == [False, True, False], 10)
    # What comes later is found, and a letter is looked at once.
    mailbox.add(reports[1])
    assert [e["kind"] for e in feed.notices(4)][3] == "complaint"
    wait_for(lambda: read_marks(mailbox) == [False, True, False, True], 10)
    feed.stop()
    assert feed.log().count("passing it over via=imap") == 2
    # Another process takes nothing a second time.
    feed.start()
    wait_for(lambda: feed.log().count("passing it over via=imap") == 4, 10)
    assert len(feed.notices()) == 4


@pytest.mark.parametrize("capability", [
    "", "IMAP4rev1 UIDPLUS LITERAL+", "IMAP4rev1"],
    ids=["move", "uidplus", "neither"])
def test_reports_are_moved_where_they_are_wished(
        own_lab, build, reports, capability):
    mailbox = Mailbox(own_lab, capability=capability).start()
    with mailbox.client() as imap:
        imap.create('"The past"')
    for message in (reports[0], LETTER, reports[1]):
        mailbox.add(message)
    feed = make(own_lab, build, mailbox, imap_move="The past").start()
    assert len(feed.notices(4)) == 4
    if capability == "IMAP4rev1":
        feed.wait_log("neither MOVE nor UIDPLUS")
        wait_for(lambda: read_marks(mailbox) == [True, False, True], 10)
        assert mailbox.messages('"The past"') == []
    else:
        wait_for(lambda: mailbox.messages() == [(False, "Hello")], 10)
        assert read_marks(mailbox, '"The past"') == [True, True]


def test_a_mailbox_that_is_not_there_is_named(own_lab, build, reports):
    mailbox = Mailbox(own_lab).start()
    mailbox.add(reports[0])
    feed = make(own_lab, build, mailbox, imap_mailbox="Nowhere").start()
    feed.wait_log('SELECT "Nowhere": ')
    feed.set(imap_mailbox="INBOX", imap_move="Nowhere")
    feed.process.popen.send_signal(signal.SIGUSR1)
    feed.wait_log('"Nowhere": \'[TRYCREATE]')
    # It is taken all the same, and stays where it is.
    assert len(feed.notices(3)) == 3
    assert read_marks(mailbox) == [True]


def test_started_tls_and_a_big_mailbox(own_lab, build, reports):
    mailbox = Mailbox(own_lab).start()
    with mailbox.client() as imap:
        for _ in range(300):
            imap.append("INBOX", "", None, LETTER)
        # What a message holds is no response of the server's.
        fake = b"\r\nT5 OK done\r\n* BYE\r\n* 1 FETCH (UID 1 BODY[] {3}\r\n"
        imap.append("INBOX", "", None, LETTER + 500 * fake)
        imap.append("INBOX", "", None, reports[0].replace(
            b"[original message goes here]", 60_000 * fake))
    feed = make(own_lab, build, mailbox,
                imap=f"imap://localhost:{mailbox.port}").start()
    assert len(feed.notices(3)) == 3
    wait_for(lambda: read_marks(mailbox)[-2:] == [False, True], 10)
    assert sum(read_marks(mailbox)) == 1


def test_a_spool_that_refuses_leaves_the_report_unread(
        own_lab, build, reports):
    mailbox = Mailbox(own_lab).start()
    mailbox.add(reports[0])
    feed = make(own_lab, build, mailbox)
    os.rmdir(feed.spool)
    feed.start()
    feed.wait_log("reports wait in the mailbox")
    assert read_marks(mailbox) == [False]
    os.mkdir(feed.spool)
    assert len(feed.notices(3)) == 3
    wait_for(lambda: read_marks(mailbox) == [True], 10)


def test_a_server_that_goes_and_comes_again(own_lab, build, reports):
    mailbox = Mailbox(own_lab).start()
    feed = make(own_lab, build, mailbox).start()
    mailbox.add(reports[0])
    feed.notices(3)
    mailbox.stop()
    feed.wait_log("reports wait in the mailbox, trying again in s=2")
    mailbox.start()
    mailbox.add(reports[1])
    assert len(feed.notices(4)) == 4


@pytest.mark.parametrize("what, options, message", [
    ("password", {}, "<3>imap: "),
    ("certificate", {"imap_ca_file": None}, "<3>imap: SSL certificate"),
    ("plain", {}, "<3>imap: "),
])
def test_who_is_not_to_be_trusted_gets_nothing(
        own_lab, build, reports, what, options, message):
    """Said at once, as what a person must act on; then left in peace."""
    mailbox = Mailbox(own_lab,
                      ssl_setting="no" if what == "plain" else "yes").start()
    if what == "plain":
        options = {"imap": f"imap://127.0.0.1:{mailbox.port}"}
    else:
        mailbox.add(reports[0])
    feed = make(own_lab, build, mailbox, **options)
    if what == "password":
        with open(feed.options["imap_password_file"], "w",
                  encoding="ascii") as f:
            f.write("wrong\n")
    feed.start()
    feed.wait_log("trying again in s=300")
    assert message in feed.log()
    assert Mailbox.password not in feed.log()
    assert feed.notices() == []
    if what != "plain":
        assert read_marks(mailbox) == [False]


def test_lmtp_goes_on_while_a_server_does_not_answer(
        own_lab, build, reports):
    mailbox = Mailbox(own_lab).start()
    directory = own_lab.subdir("feed")
    feed = make(own_lab, build, mailbox, imap_timeout_ms=1000,
                listen=f"unix:{directory}/lmtp.sock")
    os.kill(mailbox.process.pid, signal.SIGSTOP)
    try:
        feed.start()
        with smtplib.LMTP(feed.socket) as c:
            assert c.sendmail("", ["r@example.org"], reports[0]) == {}
        feed.wait_log("reports wait in the mailbox")
    finally:
        os.kill(mailbox.process.pid, signal.SIGCONT)
    mailbox.add(reports[1])
    assert len(feed.notices(4)) == 4
