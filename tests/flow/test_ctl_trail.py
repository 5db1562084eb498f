# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail trail`: what the views say, for people and as JSON."""

import datetime
import pathlib
import re
import unicodedata

import pytest

from tests.lib.ctl import EX_CONFIG, EX_TEMPFAIL, EX_USAGE

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALICE, BOB, CAROL = "alice@example.org", "bob@example.net", "c@example.net"
NOW = datetime.datetime.now(datetime.timezone.utc).replace(
    microsecond=123456, tzinfo=None)


def rfc3339(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Store:
    """Rows as the collector writes them."""

    def __init__(self, mariadb, database):
        self.mariadb, self.database = mariadb, database

    def insert(self, table, **row):
        self.mariadb.query(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES "
            f"({', '.join(['%s'] * len(row))})", list(row.values()),
            database=self.database)

    def message(self, queue_id, at=NOW, sender=ALICE, to=(BOB,),
                mode="identified", level="mailbox", rule=ALICE,
                reason="done", opens=(), rcpt_rules=None, offer=None,
                **more):
        key = {"born": at, "host": "mx.example.org", "queue_id": queue_id}
        own = {"sender": sender, "nrcpt": len(to), "size": 1234,
               "message_id": f"{queue_id}@example.org", "mode": mode,
               "reason": reason, "subject": "Hello", "client": "192.0.2.7",
               "user": "alice", "header_from": sender, **more}
        self.insert("message", **key, offered_at=at, offers=1,
                    recipients=len(to), marks=int(reason == "done"),
                    sender_key=sender.lower(),
                    sender_domain=sender.partition("@")[2], **own)
        marked = {"part": "1.2", "encoding": "quoted-printable",
                  "charset": "utf-8", "mark_at": 99} \
            if reason == "done" else {}
        self.insert("ev_offer", at=at, host=key["host"], queue_id=queue_id,
                    level=level, rule=rule, client_name="c.example.org",
                    helo="helo.example", **own, **marked, **(offer or {}))
        for rcpt in to:
            at_most, of = (rcpt_rules or {}).get(rcpt, (None, None))
            self.insert("recipient", **key, rcpt=rcpt,
                        rcpt_key=rcpt.lower(), mode=at_most, rule=of,
                        rcpt_domain=rcpt.partition("@")[2], offered_at=at)
        if reason == "done":
            self.opens(key, mode, at, opens)

    def opens(self, key, mode, at, opens):
        token = f"{abs(hash(key['queue_id'])):032x}"[:32]
        self.insert("token", **key, token=token, mode=mode, marked_at=at)
        counts = {}
        for i, word in enumerate(opens, 1):
            self.insert("ev_open", at=at + datetime.timedelta(minutes=i),
                        token=token, host="pixel.example", twin=i,
                        certainty="probable", rules=1, agent="thunderbird",
                        country="DE", asn=3320, reasons="ua_mail",
                        **{"class": word})
            counts[word] = counts.get(word, 0) + 1
        if counts:
            shown = at + datetime.timedelta(minutes=1)
            zero = ("human_likely", "proxied_possible", "prefetch",
                    "scanner", "bot", "self", "unknown")
            self.insert("message_open", **key, open_first=shown,
                        sender_domain="example.org", open_last=shown, display_first=shown,
                        display_last=shown,
                        **{f"n_{c}": counts.get(c, 0) for c in zero})


@pytest.fixture
def store(db_ctl, mariadb, migrated):
    return Store(mariadb, migrated)


LONG = "4dXb2K3nVrz5Jp"


def test_one_message_is_found_by_everything_it_is_known_by(db_ctl, store):
    store.message(LONG, to=(BOB, CAROL))
    first = db_ctl.json("trail", LONG)
    assert len(first) == 1
    for what in (f"{LONG}@example.org", f"<{LONG}@example.org>", ALICE,
                 "Alice@Example.ORG", f"<{BOB}>", CAROL, "@example.org",
                 "@example.net", f"  {LONG} "):
        assert db_ctl.json("trail", what) == first, what


def test_the_trail_of_one_recipient_has_its_opens(db_ctl, store):
    store.message(LONG, opens=("human_likely", "prefetch", "human_likely"))
    out, err = db_ctl("trail", LONG)
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == f"{LONG}  on mx.example.org  {rfc3339(NOW)}"
    head = dict(re.match(r"  (\S+) +(.*)", line).groups()
                for line in lines[1:lines.index("")])
    assert head["from"] == ALICE and head["subject"] == "Hello"
    assert head["message-id"] == f"{LONG}@example.org"
    assert head["tracking"] == \
        f"identified, decided by the mailbox rule of {ALICE}"
    assert head["markup"] == ("done, part 1.2, quoted-printable, utf-8, at "
                              "byte 99 of the body")
    assert head["opens"] == "human_likely 2, prefetch 1"
    assert head["client"].startswith("c.example.org[192.0.2.7]")
    at = lines.index(f"  to {BOB}")
    times = [line.split()[0] for line in lines[at + 1:]]
    assert len(times) == 4 and times == sorted(times)
    assert lines[at + 1].split()[1] == "offered"
    assert "opened   human_likely (probable) agent=thunderbird country=DE " \
        "asn=3320 reasons=ua_mail" in lines[at + 2]


def test_opens_are_not_tied_to_people_unless_the_mode_says_so(db_ctl, store):
    store.message("A1B2C3D4E5", mode="pseudonymous", opens=("human_likely",))
    out = db_ctl("trail", "A1B2C3D4E5")[0]
    before, after = out.split("\n  opened by whoever has this copy")
    assert "human_likely (probable)" not in before.split(f"to {BOB}")[1]
    assert "human_likely (probable)" in after
    store.message("A1B2C3D4E6", to=(BOB, CAROL), opens=("scanner",))
    out = db_ctl("trail", "A1B2C3D4E6")[0]
    assert "\n  opened by some of the recipients (one mark for all)" in out
    [trail] = db_ctl.json("trail", "A1B2C3D4E6")
    assert [r["display_first"] for r in trail["to"]] == [None, None]
    assert not any("rcpt" in o for o in trail["seen"])


def test_what_a_recipient_allows_is_in_its_line(db_ctl, store):
    store.message(LONG, to=(BOB, CAROL), mode="anonymous", level="recipient",
                  rule="@example.net",
                  rcpt_rules={BOB: ("anonymous", "@example.net")})
    out = db_ctl("trail", LONG)[0]
    assert "allows at most anonymous (rule of @example.net)" in \
        out.split(f"to {BOB}")[1].split(f"to {CAROL}")[0]
    assert "anonymous, decided by the recipient rule of @example.net" in out


@pytest.mark.parametrize("mode, level, reason, words", [
    ("off", "none", "off", ["off (none: No rule turned tracking on.)",
                            "none (off: The policy does not allow a mark.)",
                            "not marked"]),
    ("identified", "global", "signed", ["decided by the global rule\n",
                                        "none (signed: The message is "
                                        "signed"]),
    ("off", "direction", "off", ["off (direction: The message was not "
                                 "submitted by one of our users.)"]),
])
def test_why_it_was_not_marked(db_ctl, store, mode, level, reason, words):
    store.message(LONG, mode=mode, level=level, reason=reason,
                  rule="*" if level == "global" else None)
    out = db_ctl("trail", LONG)[0]
    for word in words:
        assert word in out


def reasons():
    """Every reason and its sentence, from the generated document."""
    text = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    section = re.search(r"^## reason\n(.*?)^## ", text, re.M | re.S)[1]
    return re.findall(r"^\| `(\w+)` \| (.*?) \|$", section, re.M)


def test_each_reason_is_shown_with_its_sentence(db_ctl, store):
    assert len(reasons()) > 15 and reasons()[0][0] == "done"
    for i, (reason, sentence) in enumerate(reasons()):
        store.message(f"A1B2C3{i:X}", NOW - datetime.timedelta(seconds=i),
                      reason=reason)
        out = db_ctl("trail", f"A1B2C3{i:X}")[0]
        said = re.search(r"^  markup +(.*)$", out, re.M)[1]
        assert said.startswith("done, part 1.2") if reason == "done" else \
            said == f"none ({reason}: {sentence})"
    lines = db_ctl("trail", BOB, "--limit", "50")[0].splitlines()[1:]
    assert [line.split()[7] for line in lines] == [r for r, _ in reasons()]


def test_what_the_hook_said(db_ctl, store):
    store.message(LONG, level="hook", rule=None, mode="anonymous",
                  offer={"hook": "done", "quoted": 2, "extra":
                         '{"ticket":"42","from":"a\\u001b[1mb"}'})
    out = db_ctl("trail", LONG)[0]
    assert "  tracking    anonymous (hook: The milter's Lua hook.)\n" in out
    assert "at byte 99 of the body; 2 quoted pixels made to show nothing\n" \
        in out
    assert ("  hook        done\n"
            "  extra       ticket=42\n"
            "  extra       from=a\\x1b[1mb\n") in out
    [trail] = db_ctl.json("trail", LONG)
    assert trail["extra"] == {"ticket": "42", "from": "a\x1b[1mb"}
    assert (trail["hook"], trail["quoted"]) == ("done", 2)


@pytest.mark.parametrize("hook, sentence", [
    ("failed", "It raised an error or said something that has no meaning; "
     "the message went on without it."),
    ("limit", "It took too many instructions or too much memory; the message "
     "went on without it."),
])
def test_a_hook_that_failed(db_ctl, store, hook, sentence):
    store.message(LONG, offer={"hook": hook, "quoted": 1})
    out = db_ctl("trail", LONG)[0]
    assert f"  hook        {hook} ({sentence})\n" in out
    assert "; 1 quoted pixel made to show nothing\n" in out


@pytest.mark.parametrize("extra", ['{"a":"b', "[1]", "", "null", "7"])
def test_extra_that_is_no_object_is_shown_as_it_is(db_ctl, store, extra):
    store.message(LONG, offer={"hook": "done", "extra": extra})
    assert f"  extra       {extra}".rstrip() in \
        [line.rstrip() for line in db_ctl("trail", LONG)[0].splitlines()]
    assert db_ctl.json("trail", LONG)[0]["extra"] == extra


def test_extra_with_values_that_are_no_texts(db_ctl, store):
    store.message(LONG, offer={"hook": "done", "extra":
                               '{"a":{"b":1},"c":1.5,"d":true}'})
    out = db_ctl("trail", LONG)[0]
    for said in ('a={"b": 1}', "c=1.5", "d=true"):
        assert f"  extra       {said}\n" in out
    assert db_ctl.json("trail", LONG)[0]["extra"] == \
        {"a": {"b": 1}, "c": 1.5, "d": True}


def test_without_a_hook_there_is_no_line_of_it(db_ctl, store):
    store.message(LONG)
    out = db_ctl("trail", LONG)[0]
    assert "hook" not in out and "extra" not in out and "quoted p" not in out


def test_several_matches_are_listed_newest_first(db_ctl, store):
    for i in range(25):
        store.message(f"{i:X}A1B2C", NOW - datetime.timedelta(minutes=i),
                      to=(BOB, CAROL), opens=("human_likely",) * (i == 0))
    out, err = db_ctl("trail", BOB)
    lines = out.splitlines()
    assert lines[0].split() == ["at", "queue", "id", "host", "from", "to",
                                "status", "tracking", "markup", "opens"]
    assert [line.split()[1] for line in lines[1:]] == \
        [f"{i:X}A1B2C" for i in range(20)]
    assert f"{BOB} +1" in lines[1] and "human_likely 1" in lines[1]
    assert err == "These are the newest 20; --limit shows more.\n"
    out, err = db_ctl("trail", BOB, "--limit", "25")
    assert len(out.splitlines()) == 26 and err == ""
    assert len(db_ctl.json("trail", ALICE, "-l", "3")) == 3
    full = db_ctl("trail", BOB, "--full", "-l", "2")[0]
    assert full.count("\n  tracking ") == 2


def test_a_short_id_used_twice_is_two_messages(db_ctl, store):
    store.message("A1B2C3", NOW - datetime.timedelta(days=3))
    store.message("A1B2C3", NOW)
    assert [t["born"] for t in db_ctl.json("trail", "A1B2C3")] == \
        [rfc3339(NOW), rfc3339(NOW - datetime.timedelta(days=3))]


def test_foreign_text_cannot_move_the_cursor(db_ctl, store):
    evil = "a\x1b[2Jb\x9b31mc\u202ed\u0007"
    store.message(LONG, subject=evil,
                  sender='"\x1b[1m"@example.org', to=("x\u2028y@e.example",))
    out = db_ctl("trail", LONG)[0]
    assert not [c for c in out if c != "\n" and
                unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    assert r"a\x1b[2Jb\xc2\x9b31mc\xe2\x80\xaed\x07" in out
    assert db_ctl.json("trail", LONG)[0]["subject"] == evil


def columns(line):
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)


def test_columns_are_aligned_by_display_width(db_ctl, store):
    for i, sender in enumerate(("\u65e5\u672c@example.org", ALICE,
                                "z\u0308@example.org")):
        store.message(f"A1B2C{i}", sender=sender, to=(BOB,))
    lines = db_ctl("trail", BOB)[0].splitlines()[1:]
    assert len({columns(line[:line.index(BOB)]) for line in lines}) == 1


def test_nothing_matches(db_ctl, store):
    out, err = db_ctl("trail", "nobody@example.org", ok=(1,))
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == ("nothing is known of 'nobody@example.org', as "
                        "Message-ID, address of a sender or recipient.")
    assert "MariaDB has no messages at all" in lines[-1]
    store.message(LONG)
    _, err = db_ctl("trail", LONG[:8], ok=(1,))
    assert "Queue ids that begin so: " + LONG in err
    assert re.search(r"The newest message in MariaDB is \d+ (s|min) old\.", err)
    _, err = db_ctl("trail", "3Pt2mN2VXxznjll", ok=(1,))
    assert "As a queue id it was made at 20" in err
    assert "longer ago than messages are kept (keep_days = 90)" in err
    assert db_ctl.json("trail", "x", ok=(1,)) == []


def test_a_mark_that_came_before_its_offer(db_ctl, store):
    store.insert("message", born=NOW, host="mx.example.org", queue_id=LONG,
                 offers=0, recipients=0, marks=1)
    out, _ = db_ctl("trail", LONG)
    assert out == (f"{LONG}  on mx.example.org  (its own record has not "
                   "arrived yet)\n")
    assert db_ctl.json("trail", LONG)[0]["offered_at"] is None


@pytest.mark.parametrize("what", [
    "'; DROP TABLE message; --", "%", "_____", "\\", "x" * 5000, "@", "<>",
    "<", "\x1b]0;x\x07", "\u00fc@example.org",
])
def test_garbage_finds_nothing(db_ctl, what):
    out, err = db_ctl("trail", what, ok=(1,))
    assert out == "" and err.startswith("nothing is known of '")
    assert "\x1b" not in err


def test_bytes_that_are_no_text_find_nothing(db_ctl):
    assert db_ctl.raw("trail", b"\xff\xfe".decode(
        "utf-8", "surrogateescape")).returncode == 1


def test_bad_usage_and_no_database(db_ctl):
    db_ctl.fails(EX_USAGE, "mailtrail trail: --limit: at least 1", "trail",
                 "x", "--limit", "0")
    db_ctl.fails(EX_USAGE, "mailtrail trail: an empty text is no id",
                 "trail", "")
    db_ctl.fails(EX_USAGE, "mailtrail trail: which message?", "trail")
    db_ctl.fails(EX_USAGE, "mailtrail trail: --status: 'lost' is none of "
                 "those of docs/words.md, such as bounced", "trail",
                 "--status", "lost")
    done = db_ctl.raw("trail", "x", "-o", "db_socket=/nowhere")
    assert (done.returncode, done.stdout) == (EX_TEMPFAIL, b"")
    done = db_ctl.raw("trail", "A1B2C3", "-o", "db_name=mysql")
    assert done.returncode == EX_CONFIG and b"v_message" in done.stderr


def test_the_reading_role_is_enough(db_ctl, store, mariadb, migrated):
    store.message(LONG, opens=("human_likely",))
    mariadb.query("CREATE ROLE IF NOT EXISTS ctl_reads")
    for view in ("v_message", "v_recipient", "v_open", "v_scan", "v_delivery",
                 "v_attempt", "v_step", "v_tie", "v_reject", "v_notice"):
        mariadb.query(f"GRANT SELECT ON {migrated}.{view} TO ctl_reads")
    password = mariadb.account(f"{migrated}_r", "secret", role="ctl_reads")
    db_ctl.set(db_user=f"{migrated}_r", db_password_file=password)
    assert db_ctl.json("trail", ALICE)[0]["seen"]
