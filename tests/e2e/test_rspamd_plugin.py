# SPDX-License-Identifier: BSD-2-Clause
"""The plugin in a real rspamd behind a real Postfix: its verdict on each
message, and markup without a milter of ours."""

import itertools
import json
import os
import re
import shutil
import smtplib

import pytest

from tests.lib import spool
from tests.lib.corpus import OWN, ROOT, files, html_of, unsigned
from tests.lib.ctl import Ctl
from tests.lib.mailtrail import Mailtrail
from tests.lib.mariadb import MariaDB
from tests.lib.milter import MilterHost
from tests.lib.postfix import Postfix
from tests.lib.process import Lab, run, wait_for
from tests.lib.redis import Redis
from tests.lib.rspamd_plugin import PluggedRspamd, bridge, settings_text
from tests.lib.sink import Sink

HTML = b"<html><body><p>Gr\xc3\xbc\xc3\x9fe</p></body></html>\r\n"

# Rules for tests: what a message is to be is said in its subject.
RULES = r"""
rspamd_config:register_symbol{name = "SUBJECT_RULE", type = "prefilter",
    priority = 5, callback = function(task)
  local subject = task:get_subject() or ""
  if subject == "refused early" then
    task:set_pre_result("reject", "no")
  elseif subject == "accepted early" then
    task:set_pre_result("accept", "yes")
  elseif subject == "not logged" then
    task:set_flag("no_log")
  end
end}
rspamd_config:register_symbol{name = "SPAMMY", type = "normal",
    score = 7.25, callback = function(task)
  if (task:get_subject() or ""):match("^spam") then
    return true, 1.0, "first", 'a "quoted" one', "\u{e4}", "bad \255 byte"
  end
end}
for i = 1, 400 do
  local name = string.format("MANY_%03d_%s", i, string.rep("X", 40))
  rspamd_config:register_symbol{name = name, type = "normal", score = i / 100,
    callback = function(task)
      if task:get_subject() == "many symbols" then
        return true, 1.0, string.rep("option ", 5)
      end
    end}
end
""".replace(r"\u{e4}", "\u00e4")

ACTIONS = """
actions { add_header = 6; reject = 1000000; }
"""


def message(name, *fields, sender="alice@example.org", body=HTML):
    head = [f"Message-ID: <{name}@example.org>", f"From: {sender}",
            "To: bob@example.com", "Date: Fri, 20 Nov 2026 18:00:00 +0000",
            *(fields or (f"Subject: {name}",)), "MIME-Version: 1.0",
            "Content-Type: text/html; charset=utf-8",
            "Content-Transfer-Encoding: 8bit"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Host:
    """Postfix, rspamd with the plugin, a sink."""

    def __init__(self, lab, build, **plugin_args):
        self.rspamd = PluggedRspamd(lab, build, lua=RULES, extra=ACTIONS,
                                    **plugin_args)
        self.sink = Sink(lab)
        self.postfix = Postfix(lab, sink=self.sink.port,
                               milters=[self.rspamd.milter])

    def start(self):
        self.rspamd.start()
        self.sink.start()
        self.postfix.start()
        return self

    def send(self, data, sender="alice@example.org", port="submission",
             recipients=("bob@example.com",)):
        with smtplib.SMTP("127.0.0.1", self.postfix.ports[port],
                          timeout=60) as client:
            client.sendmail(sender, list(recipients), data,
                            mail_options=["BODY=8BITMIME"])

    def delivered(self, name):
        return self.sink.data(self.sink.wait(f"<{name}@example.org>"))

    def of(self, kind, name):
        """The events of that kind of that message."""
        ids = {e["queue_id"] for e in self.rspamd.events("scan")
               if e.get("message_id") == f"{name}@example.org"}
        return [e for e in self.rspamd.events(kind) if e["queue_id"] in ids]


@pytest.fixture(scope="module")
def plain(build, needs_root):
    with Lab() as lab:
        yield Host(lab, build).start()


@pytest.fixture(scope="module")
def marking(build, needs_root):
    with Lab() as lab:
        yield Host(lab, build, settings={"markup": True}).start()


def body_of(data):
    return data.partition(b"\r\n\r\n")[2]


def test_a_verdict_arrives(plain):
    plain.send(message("spam-verdict"), recipients=(
        "Bob@example.com", "carol@example.com"))
    data = plain.delivered("spam-verdict")
    (scan,) = plain.of("scan", "spam-verdict")
    assert f"id {scan['queue_id']};".encode() in data
    assert scan["host"] == "mx.example.org"
    assert (scan["action"], scan["score"], scan["required"]) == \
        ("add header", "7.25", "1000000")
    assert (scan["sender"], scan["header_from"], scan["user"]) == \
        ("alice@example.org",) * 3
    assert (scan["rcpt"], scan["nrcpt"]) == ("Bob@example.com", "2")
    assert (scan["subject"], scan["client"], scan["direction"]) == \
        ("spam-verdict", "127.0.0.1", "outbound")
    assert int(scan["size"]) > len(HTML)
    symbols = json.loads(scan["symbols"])
    assert symbols["SPAMMY"]["score"] == 7.25
    assert symbols["SPAMMY"]["options"][:3] == \
        ["first", 'a "quoted" one', "\u00e4"]
    assert symbols["SPAMMY"]["options"][3].startswith("bad ")
    assert json.loads(scan["thresholds"]) == \
        {"add header": 6, "reject": 1000000}
    # Without markup = true the plugin does nothing else.
    assert body_of(data) == HTML
    assert not plain.of("offer", "spam-verdict")


def test_a_null_sender_and_a_stranger(plain):
    plain.send(message("from-nobody"), sender="", port="mx")
    plain.delivered("from-nobody")
    (scan,) = plain.of("scan", "from-nobody")
    assert scan["sender"] == "" and "user" not in scan


def test_a_refused_message_has_its_verdict(plain):
    with pytest.raises(smtplib.SMTPDataError):
        plain.send(message("refused", "Subject: refused early"))
    (scan,) = plain.of("scan", "refused")
    assert scan["action"] == "reject"


def test_what_is_not_to_be_logged_is_not(plain):
    plain.send(message("unlogged", "Subject: not logged"))
    plain.delivered("unlogged")
    assert not plain.of("scan", "unlogged")


def test_too_many_symbols_are_cut_where_they_weigh_least(plain):
    plain.send(message("many", "Subject: many symbols"))
    plain.delivered("many")
    (scan,) = plain.of("scan", "many")
    assert 15000 < len(scan["symbols"].encode()) <= 16000
    symbols = json.loads(scan["symbols"])
    note = symbols.pop("")
    many = sorted(n for n in symbols if n.startswith("MANY_"))
    assert note["options_cut"] is True
    # All 400 and DKIM_SIGNED, which scores nothing.
    assert note["symbols_cut"] + len(symbols) == 401
    assert many[-1].startswith("MANY_400") and \
        many[0].startswith(f"MANY_{401 - len(many):03d}")
    assert not any("options" in s for s in symbols.values())


def test_a_marked_message_is_signed_as_it_leaves(marking):
    host = marking
    data = message("marked-1", "Subject: Gr=C3=BC=C3=9Fe",
                   "x-mailtrail-OPEN: yes", "X-Odd:\r\n\t folded\r\n  twice")
    host.send(data, recipients=("bob@example.com", "carol@example.com"))
    got = host.delivered("marked-1")
    assert host.rspamd.verify(got)
    (offer,) = host.of("offer", "marked-1")
    (mark,) = host.of("mark", "marked-1")
    assert offer["reason"] == "done" and offer["mode"] == "identified"
    assert (offer["level"], offer["rule"], offer["request"]) == \
        ("domain", "example.org", "yes")
    assert (offer["part"], offer["encoding"], offer["charset"]) == \
        ("1", "8bit", "utf-8")
    assert offer["nrcpt"] == "2" and offer["subject"] == "Gr=C3=BC=C3=9Fe"
    assert offer["daemon"] == "ORIGINATING"
    assert [r["rcpt"] for r in host.of("rcpt", "marked-1")] == \
        ["bob@example.com", "carol@example.com"]
    header = got.partition(b"\r\n\r\n")[0].decode().lower()
    assert "x-mailtrail-open" not in header
    assert f"x-mailtrail-mark: {mark['token']}." in header
    at = int(offer["mark_at"])
    tag = body_of(got)[at:len(body_of(got)) - len(HTML) + at]
    assert body_of(got) == HTML[:at] + tag + HTML[at:]
    assert tag.startswith(b'<img src="https://open.example.org/i/')


def test_the_request_is_heeded_and_removed(marking):
    marking.send(message("asked-no", "X-Mailtrail-Open: no",
                         "X-Mailtrail-Open: yes"))
    got = marking.delivered("asked-no")
    assert body_of(got) == HTML
    assert b"x-mailtrail-open" not in got.lower()
    (offer,) = marking.of("offer", "asked-no")
    assert (offer["reason"], offer["level"], offer["request"]) == \
        ("off", "header", "no")


def test_a_stranger_is_recorded_and_left_alone(marking):
    marking.send(message("stranger", "X-Mailtrail-Open: yes"), port="mx")
    got = marking.delivered("stranger")
    assert body_of(got) == HTML and b"X-Mailtrail-Open: yes" in got
    (offer,) = marking.of("offer", "stranger")
    assert (offer["reason"], offer["level"]) == ("off", "direction")
    assert "request" not in offer and not marking.of("mark", "stranger")


def test_a_refusing_recipient_turns_it_off(marking):
    marking.send(message("refuser"), recipients=(
        "bob@example.com", "never@example.com"))
    assert body_of(marking.delivered("refuser")) == HTML
    (offer,) = marking.of("offer", "refuser")
    assert (offer["mode"], offer["level"]) == ("off", "recipient")
    assert [(r["rcpt"], r.get("mode")) for r in marking.of(
        "rcpt", "refuser")] == [("bob@example.com", None),
                                ("never@example.com", "off")]


def test_a_mark_of_ours_is_not_put_twice(marking):
    marking.send(message("again"))
    once = marking.delivered("again")
    kept = [line for line in once.partition(b"\r\n\r\n")[0].split(b"\r\n")
            if line.startswith(b"X-Mailtrail-Mark")]
    marking.send(message("again", kept[0].decode(), body=body_of(once)))
    wait_for(lambda: len(marking.sink.find("<again@example.org>")) == 2)
    twice = marking.sink.data(marking.sink.find("<again@example.org>")[1])
    assert body_of(twice) == body_of(once)
    assert [o["reason"] for o in marking.of("offer", "again")] == \
        ["done", "already_marked"]


def test_other_prefilters_are_respected(marking):
    with pytest.raises(smtplib.SMTPDataError):
        marking.send(message("no-mark", "Subject: refused early"))
    assert not marking.of("offer", "no-mark")
    marking.send(message("early", "Subject: accepted early"))
    assert body_of(marking.delivered("early")) != HTML
    marking.send(message("unseen", "Subject: not logged"))
    assert body_of(marking.delivered("unseen")) == HTML


def test_spam_headers_and_a_mark_go_together(marking):
    marking.send(message("spam-marked"))
    got = marking.delivered("spam-marked")
    assert b"X-Spam: Yes" in got and marking.rspamd.verify(got)
    assert body_of(got) != HTML


def test_a_large_message_is_marked_whole(marking):
    body = b"<body>" + b"<p>words and more words</p>\r\n" * 80000 \
        + b"</body>\r\n"
    marking.send(message("large", body=body))
    got = marking.delivered("large")
    assert marking.rspamd.verify(got)
    (offer,) = marking.of("offer", "large")
    at = int(offer["mark_at"])
    n = len(body_of(got)) - len(body)
    assert n > 0 and body_of(got)[:at] + body_of(got)[at + n:] == body


HEADER = re.I | re.M | re.S


def as_sent(path, name):
    """A real message as our user would send it, or None: Postfix itself
    changes what has long lines, NULs, or lines among its fields that are
    none."""
    with open(path, "rb") as f:
        lines = unsigned(f.read()).splitlines()
    if b"" not in lines or max(map(len, lines)) > 900:
        return None
    end = lines.index(b"")
    if not all(re.match(rb"[!-9;-~]+:|[ \t]+\S", line)
               for line in lines[:end] if not line.startswith(b"From ")):
        return None
    head = re.sub(rb"^(message-id:|return-path:|bcc:|from ).*?\r\n(?![ \t])",
                  b"", b"\r\n".join([*lines[:end], b""]), flags=HEADER)
    data = b"Message-ID: <%s@example.org>\r\n" % name.encode() + head \
        + b"\r\n".join([*lines[end:], b""])
    return None if b"\0" in data else data


def test_real_messages_are_marked_as_the_command_marks_them(
        marking, build, tmp_path):
    """The body that leaves is `mailtrail markup`'s, byte for byte."""
    ctl = Ctl(build, tmp_path)
    sent, marked = {}, 0
    for path in files(OWN):
        name = f"real-{len(sent)}"
        data = as_sent(path, name) if path.endswith(".eml") else None
        if data is not None:
            sent[name] = data
            marking.send(data)
    for name, data in sent.items():
        got = marking.delivered(name)
        (offer,) = marking.of("offer", name)
        wanted = data
        if offer["reason"] == "done":
            token = re.search(rb"https://open\.example\.org/i/([\w-]{34})",
                              html_of(got)[0].replace(b"\0", b""))[1]
            wanted = ctl.raw(
                "markup", "--pixel-url",
                f"https://open.example.org/i/{token.decode()}.gif",
                input=data, conf=False).stdout
            assert wanted != data
            marked += 1
        assert body_of(got) == body_of(wanted), (name, offer)
    assert marked > 10 and len(sent) > marked


# What differs between two ways of one message, and what need not be alike.
OWN_OF_EACH = ("at", "queue_id", "token", "size")


def test_events_are_those_of_the_milter(marking, build, own_lab):
    """Field by field, whatever became of the message."""
    milter = MilterHost(own_lab, build).start()
    cases = {
        "like-1": (), "like-2": ("X-Mailtrail-Open: anonymous",),
        "like-3": ("X-Mailtrail-Open: yes", "X-Mailtrail-Open: no"),
        "like-4": ("Subject: a\r\n  folded\r\n\tone", "In-Reply-To: <x@y>\r\n",
                   "User-Agent: some\r\n program"),
        "like-5": ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "X-Mailer: m/1"),
        "like-6": ("DKIM-Signature: v=1; a=rsa-sha256; b=x",),
        "like-7": ("Content-Type: text/plain",),
    }
    senders = {"like-2": "carl@example.org", "like-5": "dora@example.org"}
    for name, fields in cases.items():
        sender = senders.get(name, "alice@example.org")
        data = message(name, *[f.rstrip() for f in fields], sender=sender)
        if "Content-Type: text/plain" in fields:
            data = data.replace(
                b"Content-Type: text/html; charset=utf-8\r\n", b"")
        for host in (milter, marking):
            with smtplib.SMTP("127.0.0.1", host.postfix.port) as client:
                client.sendmail(sender, ["Bob@example.com", "x@anon.example"],
                                data, mail_options=["BODY=8BITMIME"])
            host.sink.wait(f"<{name}@example.org>")
    theirs = spool.events(os.path.join(milter.directory, "spool"))
    for name in cases:
        (at,) = [e["queue_id"] for e in theirs
                 if e.get("message_id") == f"{name}@example.org"]
        for kind in ("offer", "mark", "rcpt"):
            wanted = [e for e in theirs if e["t"] == kind
                      and e.get("queue_id") == at]
            found = marking.of(kind, name)
            for event in (*wanted, *found):
                for field in OWN_OF_EACH:
                    event.pop(field, None)
            assert found == wanted, name


def test_debian_s_whole_configuration_takes_it(build, tmp_path):
    """rspamadm configtest, with the samples as they are installed."""
    local = tmp_path / "local.d"
    shutil.copytree(os.path.join(ROOT, "conf/rspamd/local.d"), local)
    load = (local / "rspamd.lua").read_text("utf-8")
    assert "/usr/share/mailtrail/rspamd/mailtrail.lua" in load
    (local / "rspamd.lua").write_text(load.replace(
        "/usr/share/mailtrail/rspamd",
        os.path.abspath(os.path.join(build, "rspamd-lua"))), "utf-8")

    def said(more):
        (local / "mailtrail.conf").write_text(
            settings_text({"bridge": os.path.abspath(bridge(build))}) + more,
            "utf-8")
        done = run(["rspamadm", f"--var=LOCAL_CONFDIR={tmp_path}",
                    f"--var=DBDIR={tmp_path}", f"--var=RUNDIR={tmp_path}",
                    "configtest", "-c", "/etc/rspamd/rspamd.conf"])
        assert "syntax OK" in done.stdout
        return [line for line in (done.stdout + done.stderr).splitlines()
                if "mailtrail" in line.lower()]

    sample = (local / "mailtrail.conf").read_text("utf-8")
    assert said(sample) == []
    assert said(re.sub(r"^# (?=\w+ = )", "", sample, flags=re.M)) == []
    assert said('submission_networks = ["192.0.2.0/24"];') == []
    (line,) = said("spool_dri = 1;")
    assert "nothing is called 'spool_dri'" in line


def test_without_a_bridge_mail_flows_and_one_line_says_so(own_lab, build,
                                                          needs_root):
    host = Host(own_lab, build, settings={
        "bridge": "/nowhere/mailtrail_bridge.so", "markup": True}).start()
    for i in range(3):
        host.send(message(f"bare-{i}"))
        assert body_of(host.delivered(f"bare-{i}")) == HTML
    (line,) = host.rspamd.said()
    assert "/nowhere/mailtrail_bridge.so" in line
    assert "rspamd goes on without it" in line
    assert not host.rspamd.events()


@pytest.mark.parametrize("settings, words", [
    ({"marcup": True}, "nothing is called 'marcup'"),
    ({"markup": "yes please"}, "markup: is a string, not a boolean"),
    ({"spool_max": "much"}, "spool_max: not a size"),
    ({"spool_sync": "sometimes"}, "spool_sync: no such word: 'sometimes'"),
])
def test_wrong_settings_are_said_by_name(own_lab, build, needs_root, settings,
                                         words):
    rspamd = PluggedRspamd(own_lab, build, settings=settings).start()
    (line,) = rspamd.said()
    assert words in line and "rspamd goes on without it" in line


def test_a_spool_that_takes_nothing_costs_no_mail(own_lab, build, needs_root):
    host = Host(own_lab, build, settings={"markup": True}).start()
    os.chmod(host.rspamd.spool, 0)
    os.chown(host.rspamd.spool, 0, 0)
    for i in range(3):
        host.send(message(f"lost-{i}", "X-Mailtrail-Open: yes"))
        got = host.delivered(f"lost-{i}")
        # What nobody could tell the meaning of is not put in.
        assert body_of(got) == HTML and b"X-Mailtrail-Mark" not in got
        assert b"X-Mailtrail-Open" not in got
        assert host.rspamd.verify(got)
    (line,) = host.rspamd.said()
    assert "spool" in line and "mail goes on without it" in line
    run_as = os.stat(host.rspamd.directory)
    os.chown(host.rspamd.spool, run_as.st_uid, run_as.st_gid)
    os.chmod(host.rspamd.spool, 0o755)

    def marked_again(names=itertools.count(1)):
        name = f"found-{next(names)}"
        host.send(message(name))
        return b"X-Mailtrail-Mark" in host.delivered(name) and name

    assert host.of("scan", wait_for(marked_again))


def test_workers_that_share_a_spool_lose_nothing(own_lab, build, needs_root):
    host = Host(own_lab, build, settings={"markup": True, "spool_max": 400000,
                                          "spool_segment": 8192}, count=3)
    host.start()
    for i in range(60):
        host.send(message(f"crowd-{i}"))
    host.postfix.wait_empty()
    found = host.rspamd.events()
    for kind in ("scan", "offer", "mark", "rcpt"):
        assert len([e for e in found if e["t"] == kind]) == 60
    assert len({e["queue_id"] for e in found}) == 60


def test_a_verdict_joins_the_trail(own_lab, build, needs_root):
    """By spool, shipper, Redis and collector, beside the offer it is about.
    rspamd's user appends because the spool's group is one of its own."""
    redis, mariadb = Redis(own_lab).start(), MariaDB(own_lab).start()
    ours = Mailtrail(own_lab, build, redis, mariadb,
                     "https://open.example.org")
    ours.prepare()
    host = Host(own_lab, build, settings={"markup": True,
                                          "spool_dir": ours.spool})
    os.chown(ours.spool, -1, os.stat(host.rspamd.directory).st_gid)
    for name in ("ship", "collector"):
        ours.daemons[name].start_notify()
    host.start()
    host.send(message("spam-trail"))
    header = host.delivered("spam-trail").decode("utf-8", "replace")
    queue_id = re.search(r"with ESMTP id (\w+)", header)[1]

    def rows():
        return mariadb.query(
            "SELECT s.born IS NOT NULL, s.action, s.score,"
            " JSON_VALUE(s.symbols, '$.SPAMMY.score'),"
            " JSON_VALUE(s.symbols, '$.SPAMMY.options[1]'),"
            " JSON_VALID(s.symbols), JSON_VALID(s.thresholds),"
            " m.reason, m.mode"
            f" FROM {ours.database}.v_scan s JOIN {ours.database}.v_message m"
            " USING (host, queue_id) WHERE s.host = 'mx.example.org'"
            f" AND s.queue_id = '{queue_id}'")

    (row,) = wait_for(rows, 30)
    assert [str(v) for v in row] == [
        "1", "add header", "7.250", "7.25", 'a "quoted" one', "1", "1",
        "done", "identified"]
