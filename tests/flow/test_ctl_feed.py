# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail feed`: reports from a pipe and from files into the spool."""

import email
import email.policy
import glob
import json
import os
import re

import pytest

from tests.lib.ctl import EX_TEMPFAIL
from tests.lib.spooled import events, key

REPORTS = "tests/data/reports"
# Where tests find the large corpus, of which the other is a selection.
LARGE = ("../shared/data/mime", "../shared/data/dmarc")
STATUS = ("message/delivery-status", "message/global-delivery-status")
KINDS = ("failed", "delayed", "delivered", "relayed", "expanded")


@pytest.fixture
def feeder(ctl):
    os.mkdir(ctl.options["spool_dir"], 0o770)
    return ctl


def read(path):
    with open(path, "rb") as f:
        return f.read()


def spooled(ctl):
    return events(ctl.options["spool_dir"], "notice")


def test_a_report_is_recorded_once_however_often_it_comes(feeder, root):
    report = read(root / REPORTS / "two-recipients.eml")
    assert feeder("feed", input=report) == ("", "")
    first = spooled(feeder)
    assert [(e["kind"], e["rcpt"], e["dsn"]) for e in first] == [
        ("failed", "arathib@vnet.ibm.com", "5.0.0"),
        ("delayed", "johnh@hpnjld.njd.hp.com", "4.0.0"),
        ("failed", "wsnell@sdcc13.ucsd.edu", "5.0.0")]
    assert {e["host"] for e in first} == {"mx.example.org"}
    assert re.fullmatch("[0-9a-f]{32}", first[0]["report"])
    # Another relay, other line ends, a Received field below ours.
    again = b"Return-Path: <>\r\n" + report.replace(b"\n", b"\r\n")
    feeder("feed", input=again)
    assert [key(e) for e in spooled(feeder)] == 2 * [key(e) for e in first]


def test_files_are_fed_one_after_the_other(feeder, root):
    names = [root / REPORTS / f"{n}.eml"
             for n in ("arf-17", "x3", "postfix-64", "arf-rfc")]
    out, err = feeder("feed", "--verbose", *names)
    assert err == ""
    said = [line.removeprefix(f"{n}: ")
            for line, n in zip(out.splitlines(), names)]
    assert said[0].startswith("taken notices=2 report=")
    assert said[1] == "not a report of delivery or feedback"
    assert said[2] == "names no recipient"
    assert said[3].startswith("taken notices=1 report=")
    assert [e["kind"] for e in spooled(feeder)] == 3 * ["complaint"]


def test_what_is_no_report_is_done_with(feeder):
    for message in (b"", b"Subject: x\n\nx\n", b"\0" * 1000):
        assert feeder("feed", input=message) == ("", "")
    assert feeder("feed", "-v", input=b"Subject: x\n\n") == (
        "standard input: not a report\n", "")
    assert spooled(feeder) == []


def test_a_huge_message_is_read_to_its_end(feeder, root):
    report = read(root / REPORTS / "arf-rfc.eml")
    end = report.rindex(b"--part1_13d.2e68ed54_boundary--")
    huge = report[:end] + b"Spam Spam Spam\n" * 2_000_000 + report[end:]
    feeder("feed", input=huge)
    assert [e["rcpt"] for e in spooled(feeder)] == ["user@example.com"]


def test_whatever_goes_wrong_the_mail_is_tried_again(ctl, root, tmp_path):
    report = read(root / REPORTS / "arf-rfc.eml")
    # No spool yet.
    ctl.fails(EX_TEMPFAIL, "mailtrail feed: standard input: spool: "
              f"{ctl.options['spool_dir']}: No such file or directory",
              "feed", input=report)
    os.mkdir(ctl.options["spool_dir"], 0o770)
    ctl("feed", input=report)
    # A bad command line, and bad options.
    ctl.fails(EX_TEMPFAIL, "mailtrail feed: unknown option '--no'", "feed",
              "--no", input=report)
    ctl.fails(EX_TEMPFAIL, "mailtrail feed: -o no=1: unknown option 'no'",
              "feed", "-o", "no=1", input=report)
    ctl.fails(EX_TEMPFAIL, "mailtrail feed: '/no/file': No such file or "
              "directory", "feed", "/no/file")
    ctl.fails(EX_TEMPFAIL, "mailtrail feed: /: read: Is a directory",
              "feed", "/")
    ctl.fails(EX_TEMPFAIL, "mailtrail feed: --json needs --dry-run", "feed",
              "--json")
    # And a report is no worse for it.
    ctl("feed", input=report)
    assert len(spooled(ctl)) == 2


def test_dry_run_shows_what_would_be_recorded(ctl, root):
    name = root / REPORTS / "mailbox-full.eml"
    out = ctl("feed", "--dry-run", name, "-o",
              "feed_names=old MTAIN-db01.r1000.mx.aol.com")[0]
    assert out.splitlines()[0] == f"{name}: a report"
    shown = dict(line.split(None, 1) for line in out.splitlines()[1:])
    shown.pop("report")
    assert shown == {
        "at": "2011-07-29T08:08:56.000000Z", "host": "mx.example.org",
        "ordinal": "0", "kind": "failed", "rcpt": "user@aol.com",
        "orig_to": "user@aol.com", "dsn": "5.2.2",
        "sender": "bounce+8c8b98.c-user=aol.com@example.com",
        "message_id": "4E326A95.3010907@example.com",
        # By that name the reporter is ours, and so its queue id and clock.
        "queue_id": "344973800008C",
        "reporter": "mtain-db01.r1000.mx.aol.com",
        "remote": "air-dc.gair-dc.mail.aol.com",
        "text": "552 5.2.2 E4.12 user MAILBOX FULL"}
    said = json.loads(ctl("feed", "--dry-run", "--json", name)[0])
    assert said[0]["file"] == str(name) and said[0]["why"] is None
    assert "queue_id" not in said[0]["notices"][0]
    assert not os.path.exists(ctl.options["spool_dir"])


def test_an_escape_sequence_does_not_reach_the_terminal(ctl):
    report = (b"Content-Type: multipart/report; boundary=b\n\n--b\n"
              b"Content-Type: message/delivery-status\n\n"
              b"Final-Recipient: rfc822; \x1b[31m\xff@x\nAction: failed\n\n"
              b"--b--\n")
    out = ctl("feed", "--dry-run", input=report)[0]
    assert r"\x1b[31m" in out and "\x1b" not in out


def first_block(text):
    return email.message_from_string(text, policy=email.policy.compat32)


def other_reading(data):
    """(address, action) of each recipient, as Python's parser sees them.

    None when it sees no report.
    """
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for part in message.walk():
        if part.get_content_type() != "multipart/report" or \
                not part.is_multipart():
            continue
        for child in part.get_payload():
            if child.get_content_type() not in STATUS:
                continue
            blocks = child.get_payload()
            # Of the other type it knows no blocks.
            if child.get_content_type() != STATUS[0]:
                blocks = [first_block(b) for b in
                          re.split(r"\r?\n\r?\n", str(blocks[0]))]
            return [(str(b["Final-Recipient"] or ""), str(b["Action"] or ""))
                    for b in blocks
                    if b["Final-Recipient"] or b["Original-Recipient"]]
    return None


def plain_address(value):
    kind, _, rest = value.rpartition(";")
    value = rest.strip()
    if kind.strip().lower() == "x400":
        return [value]
    return re.sub(r"^<(.*)>$", r"\1", value).split()[0:1]


def compare(ctl, paths):
    """Reports that both read, after comparing them."""
    both = 0
    said = []
    for at in range(0, len(paths), 500):
        said += ctl.json("feed", "--dry-run", *paths[at:at + 500])
    for entry in said:
        data = read(entry["file"])
        # A CR alone ends a line there, and none here.
        if b"\r" in data.replace(b"\r\n", b""):
            continue
        other = other_reading(data)
        if other is None or not entry["notices"]:
            continue
        both += 1
        ours = [([e["rcpt"]] if "rcpt" in e else [], e["kind"])
                for e in entry["notices"]]
        theirs = []
        for address, action in other:
            word = re.split(r"[\s(;]", action.strip().lower())[0]
            theirs.append((plain_address(address),
                           {"failure": "failed"}.get(word, word)))
        assert ours == [t for t in theirs if t[1] in KINDS], entry["file"]
    return both


def test_another_parser_reads_the_same_recipients(ctl, root):
    assert compare(ctl, sorted(glob.glob(f"{root}/{REPORTS}/*.eml"))) >= 20


def test_the_large_corpus_too_when_it_is_there(ctl, root):
    paths = [p for d in LARGE for p in
             sorted(glob.glob(f"{root}/{d}/**/*", recursive=True))
             if os.path.isfile(p)]
    if paths:
        assert compare(ctl, paths) >= 100
