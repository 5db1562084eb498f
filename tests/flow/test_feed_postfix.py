# SPDX-License-Identifier: BSD-2-Clause
"""Bounces that a real Postfix makes, given to us by its pipe and lmtp."""

import os
import re
import smtplib

import pytest

from tests.lib.client import html_message, send
from tests.lib.ctl import Ctl
from tests.lib.feeding import Feed
from tests.lib.postfix import Postfix
from tests.lib.process import free_port, wait_for
from tests.lib.spooled import events, key

HOST = "mx.example.org"
# Bounces go to the senders' domain, everything else comes to its own end.
TRANSPORT = ("inline:{{ example.org={feed}, good.example=discard:, "
             "bad.example=smtp:[127.0.0.1]:{bad}, "
             "late.example=smtp:[127.0.0.1]:{late} }}")
# Our two ways in, and two ports that stand for servers elsewhere.
MASTER = """\
feed-pipe unix - n n - - pipe
  user=nobody argv={program} -c {conf} feed
lmtp unix - - n - - lmtp
127.0.0.1:{bad} inet n - n - - smtpd
  -o {{ smtpd_recipient_restrictions =
    check_recipient_access static:{{550 5.1.1 no such user}} }}
127.0.0.1:{late} inet n - n - - smtpd
  -o {{ smtpd_recipient_restrictions =
    check_recipient_access static:{{450 4.4.1 not today}} }}
"""


class Bouncer:
    """A Postfix whose mail for example.org comes to us."""

    def __init__(self, lab, build, feed, conf="/dev/null", **settings):
        ports = {"bad": free_port(), "late": free_port()}
        self.postfix = Postfix(lab, hostname=HOST, settings={
            "transport_maps": TRANSPORT.format(feed=feed, **ports),
            **settings})
        with open(os.path.join(self.postfix.conf, "master.cf"), "a",
                  encoding="ascii") as f:
            f.write(MASTER.format(program=lab.program(build / "ctl" / "mailtrail"),
                                  conf=conf, **ports))
        self.postfix.start()

    def send(self, recipients, message_id="<m1@example.org>",
             sender="alice@example.org", notify=None):
        """The queue id of a message; notify is of RFC 3461."""
        options = [f"NOTIFY={notify}", "ORCPT=rfc822;b+2Bx@else.example"] \
            if notify else []
        with smtplib.SMTP("127.0.0.1", self.postfix.port, timeout=30) as c:
            c.ehlo()
            assert c.mail(sender, ["ENVID=e+3D1"] if notify else [])[0] == 250
            for r in recipients:
                assert c.rcpt(r, options)[0] == 250
            code, text = c.data(html_message(message_id, sender, recipients))
            assert code == 250
        return re.search(r"queued as (\S+)", text.decode())[1]

    def received(self, queue_id):
        """The id of the bounce of a message."""
        return wait_for(lambda: re.search(
            rf"{queue_id}: sender .* notification: (\S+)",
            self.postfix.log()), 20)[1]


@pytest.fixture
def piped(own_lab, build, needs_root, tmp_path):
    """(Postfix, the spool that its pipe feeds)"""
    directory = own_lab.subdir("pipe")
    ctl = Ctl(build, directory)
    own_lab.subdir("pipe/spool", 0o777)
    bouncer = Bouncer(own_lab, build, "feed-pipe:", ctl.conf)
    return bouncer, ctl.options["spool_dir"]


def notices(spool, least):
    wait_for(lambda: len(events(spool, "notice")) >= least, 30,
             f"{least} notices")
    return events(spool, "notice")


def check_bounce(bouncer, found, queue_id):
    report = {e["report"] for e in found}
    assert len(report) == 1
    for e in found:
        assert (e["host"], e["queue_id"], e["message_id"], e["sender"]) == (
            HOST, queue_id, "m1@example.org", "alice@example.org")
        assert e["reporter"] == HOST and e["kind"] == "failed"
        assert e["dsn"] == "5.1.1" and e["remote"] == "127.0.0.1"
        assert e["text"].startswith("550 5.1.1 ") and \
            e["text"].endswith("no such user")
    assert sorted(e["rcpt"] for e in found) == ["bob@bad.example",
                                                "eve@bad.example"]


def test_a_bounce_by_pipe(piped):
    bouncer, spool = piped
    queue_id = bouncer.send(["bob@bad.example", "carl@good.example",
                             "eve@bad.example"])
    check_bounce(bouncer, notices(spool, 2), queue_id)
    bounce = bouncer.received(queue_id)
    bouncer.postfix.wait_empty()
    line = re.search(rf"{bounce}: to=<alice@example.org>.*",
                     bouncer.postfix.log())[0]
    assert "relay=feed-pipe" in line
    assert "status=sent (delivered via feed-pipe service)" in line


def test_by_pipe_a_spool_that_is_away_keeps_the_bounce_queued(piped):
    bouncer, spool = piped
    os.rename(spool, spool + ".away")
    queue_id = bouncer.send(["bob@bad.example", "eve@bad.example"])
    bounce = bouncer.received(queue_id)
    wait_for(lambda: re.search(rf"{bounce}: to=<alice.* status=deferred "
                               r"\(.*spool: ", bouncer.postfix.log()), 20)
    assert bouncer.postfix.queue() == [bounce]
    os.rename(spool + ".away", spool)
    found = notices(spool, 2)
    check_bounce(bouncer, found, queue_id)
    bouncer.postfix.wait_empty()


def test_by_pipe_other_mail_is_swallowed(piped):
    bouncer, spool = piped
    bouncer.send(["alice@example.org"])
    bouncer.postfix.wait_empty()
    assert "status=sent (delivered via feed-pipe" in bouncer.postfix.log()
    assert events(spool) == []


def test_delays_and_deliveries_as_asked(piped):
    bouncer, spool = piped
    bouncer.postfix.set(delay_warning_time="1s")
    good = bouncer.send(["bob@good.example"], "<m2@example.org>",
                        notify="SUCCESS")
    e = notices(spool, 1)[0]
    assert e["queue_id"] == good and e["message_id"] == "m2@example.org"
    assert (e["kind"], e["dsn"]) in (("delivered", "2.0.0"),
                                     ("relayed", "2.0.0"))
    assert (e["rcpt"], e["orig_to"]) == ("bob@good.example",
                                         "b+x@else.example")
    assert e["envelope_id"] == "e=1"
    late = bouncer.send(["bob@late.example"], "<m3@example.org>")
    e = notices(spool, 2)[1]
    assert (e["kind"], e["dsn"], e["queue_id"]) == ("delayed", "4.4.1", late)


def test_a_bounce_by_lmtp(own_lab, build, needs_root):
    feed = Feed(own_lab, build).start()
    bouncer = Bouncer(own_lab, build, f"lmtp:unix:{feed.socket}")
    queue_id = bouncer.send(["bob@bad.example", "eve@bad.example"])
    found = feed.notices(2)
    check_bounce(bouncer, found, queue_id)
    bouncer.postfix.wait_empty()
    line = re.search(rf"{bouncer.received(queue_id)}: to=<alice.*",
                     bouncer.postfix.log())[0]
    assert "status=sent (250 2.0.0 taken notices=2 report=" in line
    assert found[0]["report"] in line


def test_by_lmtp_a_spool_that_is_away_keeps_the_bounce_queued(
        own_lab, build, needs_root):
    feed = Feed(own_lab, build)
    os.rmdir(feed.spool)
    feed.start()
    bouncer = Bouncer(own_lab, build, f"lmtp:unix:{feed.socket}")
    queue_id = bouncer.send(["bob@bad.example", "eve@bad.example"])
    bounce = bouncer.received(queue_id)
    wait_for(lambda: re.search(rf"{bounce}: to=<alice.* status=deferred "
                               r"\(.*451 4\.3\.0 spool: ",
                               bouncer.postfix.log()), 20)
    os.mkdir(feed.spool, 0o777)
    check_bounce(bouncer, feed.notices(2), queue_id)
    bouncer.postfix.wait_empty()
    # Fed twice or not, what is there has two keys.
    assert len({key(e) for e in feed.notices()}) == 2


def test_killed_again_and_again_it_misses_no_bounce(own_lab, build,
                                                    needs_root):
    feed = Feed(own_lab, build).start()
    bouncer = Bouncer(own_lab, build, f"lmtp:unix:{feed.socket}")
    sent = {}
    for i in range(60):
        queue_id = bouncer.send(["bob@bad.example"], f"<m{i}@example.org>")
        sent[queue_id] = f"m{i}@example.org"
        if i % 6 == 5:
            feed.process.kill()
            feed.start()
    wait_for(lambda: {e["queue_id"] for e in feed.notices()} == set(sent), 60,
             "every bounce")
    bouncer.postfix.wait_empty()
    # Each once: what was taken and not answered came again as the same.
    found = {key(e): e for e in feed.notices()}
    assert {e["queue_id"]: e["message_id"] for e in found.values()} == sent
    assert len(found) == 60


def test_the_sample_sends_us_a_copy_of_foreign_reports(own_lab, build, root,
                                                       needs_root):
    sample = dict(re.findall(r"^(\w+) = (.*)$", (
        root / "conf/postfix/reports.cf").read_text(), re.M))
    assert set(sample) == {"header_checks", "transport_maps"}
    feed = Feed(own_lab, build).start()
    bouncer = Bouncer(own_lab, build, "discard:", **{
        "header_checks": sample["header_checks"].replace(
            "/etc/postfix/", f"{root}/conf/postfix/"),
        "transport_maps": sample["transport_maps"].replace(
            "mailtrail/feed.sock", feed.socket)})
    with open(root / "tests/data/reports/arf-17.eml", "rb") as f:
        complaint = f.read()
    for message in (complaint, html_message("<x@example.org>")):
        send(bouncer.postfix.port, message, "fbl@far.example",
             ["abuse@example.org"])
    assert [e["rcpt"] for e in feed.notices(2)] == [
        "kijitora@example.com", "sabatora@example.net"]
    bouncer.postfix.wait_empty()
    log = bouncer.postfix.log()
    assert log.count("to=<reports@mailtrail.invalid>, ") == 1
    # And both went where they were to go.
    assert log.count("to=<abuse@example.org>, ") == 2
    # When it arrived is what our Received field says, and not its Date.
    assert feed.notices()[0]["at"] > "2026"
