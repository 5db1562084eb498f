# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail track`: rules in MariaDB, the snapshot, and why."""

import os

import pytest

from tests.lib.ctl import (EX_CONFIG, EX_OK, EX_TEMPFAIL, EX_UNAVAILABLE,
                           EX_USAGE)

ALICE, BOB = "alice@example.org", "bob@example.net"


def explain(ctl, *args):
    return ctl.json("track", "explain", *args)


def decided(ctl, *args):
    e = explain(ctl, *args)
    return e["mode"], e["level"], e["rule"]


def test_nothing_is_tracked_without_a_rule(db_ctl):
    assert db_ctl("track", "show")[0] == \
        "no rules and no consents: nothing is tracked\n"
    db_ctl("track", "build")
    assert decided(db_ctl, ALICE, BOB) == ("off", "none", None)
    assert decided(db_ctl, "--incoming", ALICE, BOB) == \
        ("off", "direction", None)


def test_set_writes_table_and_snapshot_and_unset_takes_it_back(db_ctl):
    assert db_ctl("track", "set", "mailbox", "Alice@Example.ORG",
                  "identified")[0] == f"mailbox {ALICE}: set identified\n"
    [rule] = db_ctl.json("track", "show")["rules"]
    assert rule["updated_at"] and rule["updated_by"]
    assert {k: rule[k] for k in ("scope", "subject", "kind", "mode",
                                 "notice", "pixel_url")} == {
        "scope": "mailbox", "subject": ALICE, "kind": "set",
        "mode": "identified", "notice": None, "pixel_url": None}
    assert decided(db_ctl, ALICE, BOB) == ("identified", "mailbox", ALICE)
    assert decided(db_ctl, "other@example.org", BOB)[0] == "off"
    # A second set replaces the first, whole.
    db_ctl("track", "set", "mailbox", ALICE, "anonymous", "--notice", "Seen",
           "--pixel-url", "https://o.example")
    e = explain(db_ctl, ALICE, BOB)
    assert (e["mode"], e["notice"], e["pixel_url"]) == \
        ("anonymous", "Seen", "https://o.example")
    assert len(db_ctl.json("track", "show")["rules"]) == 1
    assert db_ctl("track", "unset", "mailbox", ALICE)[0] == \
        f"mailbox '{ALICE}': no more\n"
    assert decided(db_ctl, ALICE, BOB)[0] == "off"
    db_ctl.fails(EX_UNAVAILABLE, "mailtrail track unset: there is no "
                 f"mailbox rule of '{ALICE}'", "track", "unset", "mailbox",
                 ALICE)


@pytest.mark.parametrize("rules, args, expected", [
    ([["global", "anonymous"]], [], ("anonymous", "global", "*")),
    ([["global", "identified"], ["domain", "example.org", "pseudonymous"]],
     [], ("pseudonymous", "domain", "example.org")),
    ([["mailbox", ALICE, "identified"],
      ["domain", "example.org", "anonymous", "--at-most"]],
     [], ("anonymous", "domain", "example.org")),
    ([["domain", "example.org", "anonymous", "--at-most"]], [],
     ("off", "none", None)),
    ([["mailbox", "@example.org", "identified", "--on-request"]], [],
     ("off", "none", None)),
    ([["mailbox", "@example.org", "identified", "--on-request"]],
     ["--request", "yes"], ("identified", "mailbox", "@example.org")),
    ([["mailbox", "*", "identified"]], ["--request", "no"],
     ("off", "header", None)),
    ([["mailbox", "*", "identified"]], ["--request", "anonymous"],
     ("anonymous", "header", None)),
    ([["mailbox", "alice", "identified"]], ["--user", "alice"],
     ("identified", "mailbox", "alice")),
    ([["mailbox", ALICE, "identified"],
      ["recipient", "@example.net", "anonymous", "--at-most"]], [],
     ("anonymous", "recipient", "@example.net")),
    ([["mailbox", ALICE, "identified"], ["consent", BOB, "denied"]], [],
     ("off", "recipient", BOB)),
    ([["mailbox", ALICE, "identified"],
      ["recipient", "@example.net", "off", "--at-most"],
      ["consent", BOB, "granted"]], [], ("identified", "mailbox", ALICE)),
])
def test_the_most_restrictive_rule_decides(db_ctl, rules, args, expected):
    for rule in rules:
        db_ctl("track", "set", *rule)
    e = explain(db_ctl, *args, ALICE, BOB)
    assert (e["mode"], e["level"], e["rule"]) == expected
    marked = [s for s in e["steps"] if s["decided"]]
    if expected[1] != "none":
        assert marked and marked[0]["level"] == expected[1]
    levels = [s["level"] for s in e["steps"]]
    assert levels[:3] == ["global", "domain", "mailbox"]
    assert "recipient" in levels
    # The same in words: the decision is named, and marked once.
    out = db_ctl("track", "explain", *args, ALICE, BOB)[0]
    assert out.splitlines()[-1].startswith(f"tracking: {expected[0]}")
    assert out.count("<- decided") == (expected[1] != "none")


def test_show_tells_what_may_speak_for_a_subject(db_ctl):
    for rule in (["global", "off"], ["domain", "example.org", "anonymous"],
                 ["domain", "example.com", "anonymous"],
                 ["mailbox", "@example.org", "off"],
                 ["mailbox", ALICE, "identified"],
                 ["mailbox", "zoe@example.org", "identified"],
                 ["consent", ALICE, "denied", "--note", "by letter"]):
        db_ctl("track", "set", *rule)
    shown = db_ctl.json("track", "show", "ALICE@example.org")
    assert [r["subject"] for r in shown["rules"]] == \
        ["*", "example.org", "@example.org", ALICE]
    [consent] = shown["consents"]
    assert (consent["rcpt"], consent["state"], consent["method"],
            consent["text"]) == (ALICE, "denied", "command", "by letter")
    assert len(db_ctl.json("track", "show")["rules"]) == 6
    lines = db_ctl("track", "show")[0].splitlines()
    assert lines[0].split()[:4] == ["scope", "subject", "kind", "mode"]
    assert any(line.split()[:2] == ["recipient", "consent"]
               for line in lines)
    db_ctl("track", "unset", "consent", ALICE)
    assert db_ctl.json("track", "show")["consents"] == []


@pytest.mark.parametrize("args, message", [
    (["mailbo", ALICE, "off"], "'mailbo' is none of global, domain, "
     "mailbox, recipient, consent"),
    (["mailbox"], "whose? A subject of 1 to 320 bytes must follow "
     "'mailbox'"),
    (["mailbox", "a" * 321, "off"], "whose? A subject of 1 to 320 bytes "
     "must follow 'mailbox'"),
    (["mailbox", ALICE], "one mode must follow the subject"),
    (["global"], "one mode must follow the subject"),
    (["mailbox", ALICE, "on"], "'on' is none of off, anonymous, "
     "pseudonymous, identified"),
    (["mailbox", ALICE, "off", "--at-most", "--on-request"],
     "--at-most and --on-request exclude each other"),
    (["domain", "a@b", "off"],
     "domain rule 'a@b': is no subject of this scope"),
    (["mailbox", "a b", "off"],
     "mailbox rule 'a b': is no subject of this scope"),
    (["mailbox", ALICE, "off", "--pixel-url", "ftp://x"],
     f"mailbox rule '{ALICE}': the pixel URL is not an http or https URL "
     "of at most 800 characters"),
    (["mailbox", ALICE, "off", "--notice", "x" * 513],
     "--notice and --pixel-url take at most 512 bytes"),
    (["consent", BOB, "maybe"], "'maybe' is none of granted, denied"),
    (["consent", "bob", "denied"],
     "'bob' is neither an address nor an @domain"),
    (["consent", BOB], "granted or denied must follow the address"),
])
def test_bad_rules_are_refused_before_anything_is_written(db_ctl, args,
                                                          message):
    db_ctl.fails(EX_USAGE, f"mailtrail track set: {message}", "track",
                 "set", *args)
    assert db_ctl.json("track", "show") == {"rules": [], "consents": []}
    assert not os.path.exists(db_ctl.options["policy_snapshot"])


def test_a_snapshot_that_cannot_be_written_is_said(db_ctl):
    db_ctl.set(policy_snapshot="/nowhere/policy.snapshot")
    done = db_ctl.raw("track", "set", "global", "off")
    assert done.returncode != EX_OK and done.stdout == b""
    assert done.stderr.decode().startswith(
        "mailtrail track set: stored in MariaDB, but mailtrail-milter goes "
        "by the old snapshot: ")


def test_a_rule_of_a_newer_version_stops_the_snapshot_not_the_old_one(
        db_ctl, mariadb, migrated):
    db_ctl("track", "set", "global", "anonymous")
    mariadb.query("UPDATE policy_rule SET mode = 'telepathic'",
                  database=migrated)
    done = db_ctl.raw("track", "build")
    assert done.returncode == EX_CONFIG
    assert done.stderr == (b"mailtrail track build: global rule '*': "
                           b"has no mode\n")
    assert decided(db_ctl, ALICE, BOB)[0] == "anonymous"


def test_a_rule_says_how_a_mark_looks(db_ctl):
    db_ctl("track", "set", "global", "anonymous", "--notice", "Seen",
           "--notice-plain", "yes", "--quoted", "leave")
    db_ctl("track", "set", "mailbox", ALICE, "anonymous", "--quoted",
           "remove")
    said = {r["scope"]: (r["notice"], r["notice_plain"], r["quoted"])
            for r in db_ctl.json("track", "show")["rules"]}
    assert said == {"global": ("Seen", "yes", "leave"),
                    "mailbox": (None, None, "remove")}
    head, *rows = db_ctl("track", "show")[0].splitlines()
    assert head.split()[4:7] == ["notice", "notice_plain", "quoted"]
    assert rows[0].split()[4:7] == ["Seen", "yes", "leave"]
    e = explain(db_ctl, ALICE, BOB)
    assert (e["notice"], e["notice_plain"], e["quoted"]) == \
        ("Seen", "yes", "remove")
    assert db_ctl("track", "explain", ALICE, BOB)[0].endswith(
        f"decided by level mailbox, rule of {ALICE}\nnotice: Seen\n"
        "notice in plain text: yes\nquoted pixels: remove\n")
    # A second set replaces the first, whole.
    db_ctl("track", "set", "global", "anonymous", "--notice", "")
    e = explain(db_ctl, ALICE, BOB)
    assert (e["notice"], e["notice_plain"], e["quoted"]) == \
        ("", None, "remove")
    assert "notice: none\n" in db_ctl("track", "explain", ALICE, BOB)[0]
    db_ctl("track", "set", "global", "off")
    assert "quoted" not in db_ctl("track", "explain", ALICE, BOB)[0]


def test_a_notice_is_translated_for_recipients_of_one_language(db_ctl):
    db_ctl("track", "set", "global", "anonymous", "--notice", "Seen")
    db_ctl("track", "set", "recipient", "@example.fr", "anonymous",
           "--at-most", "--notice", "Lu")
    for rcpts, notice in ((["a@example.fr"], "Lu"),
                          (["a@example.fr", "b@example.fr"], "Lu"),
                          (["a@example.fr", BOB], "Seen"), ([BOB], "Seen")):
        assert explain(db_ctl, ALICE, *rcpts)["notice"] == notice, rcpts


@pytest.mark.parametrize("args, message", [
    (["global", "anonymous", "--notice-plain", "maybe"],
     "--notice-plain: 'maybe' is neither no nor yes"),
    (["global", "anonymous", "--quoted", ""],
     "--quoted: '' is neither leave nor remove"),
    (["recipient", "@example.fr", "anonymous", "--quoted", "leave"],
     "recipient rule '@example.fr': notice_plain and quoted are for senders "
     "to say"),
])
def test_words_that_mean_nothing_are_refused(db_ctl, args, message):
    db_ctl.fails(EX_USAGE, f"mailtrail track set: {message}", "track", "set",
                 *args)
    assert db_ctl.json("track", "show")["rules"] == []


def test_a_word_of_another_version_is_named(db_ctl, mariadb, migrated):
    db_ctl("track", "set", "global", "anonymous", "--quoted", "leave")
    mariadb.query("UPDATE policy_rule SET quoted = 'sometimes'",
                  database=migrated)
    done = db_ctl.raw("track", "build")
    assert done.returncode == EX_CONFIG
    assert done.stderr == (b"mailtrail track build: global rule '*': quoted "
                           b"is neither leave nor remove\n")


@pytest.mark.parametrize("damage", [
    lambda data: data[:len(data) // 2], lambda data: b"",
    lambda data: data[:60] + b"\xff" + data[61:], lambda data: b"x" * 500,
])
def test_a_damaged_snapshot_is_off_and_says_so(db_ctl, damage):
    db_ctl("track", "set", "global", "identified")
    path = db_ctl.options["policy_snapshot"]
    with open(path, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(damage(data))
    out, err = db_ctl("track", "explain", ALICE, BOB)
    assert out == ("tracking: off (snapshot: The policy snapshot is missing "
                   "or damaged.)\n")
    assert err.startswith("mailtrail: ") and path in err
    db_ctl("track", "build")
    assert decided(db_ctl, ALICE, BOB)[0] == "identified"


def test_mariadb_away_changes_nothing(ctl):
    for args in (["set", "global", "off"], ["unset", "global"], ["show"],
                 ["build"]):
        done = ctl.raw("track", *args)
        assert (done.returncode, done.stdout) == (EX_TEMPFAIL, b"")
    assert not os.path.exists(ctl.options["policy_snapshot"])


def test_the_policy_role_is_enough(db_ctl, mariadb, migrated, root):
    name = f"{migrated}_policy"
    mariadb.query(f"CREATE ROLE IF NOT EXISTS {name}")
    for table in ("policy_rule", "consent"):
        mariadb.query("GRANT SELECT, INSERT, UPDATE, DELETE ON "
                      f"{migrated}.{table} TO {name}")
    password = mariadb.account(f"{migrated}_p", "secret", role=name)
    db_ctl.set(db_user=f"{migrated}_p", db_password_file=password)
    db_ctl("track", "set", "global", "off")
    db_ctl("track", "unset", "global")
    db_ctl("track", "set", "consent", BOB, "denied")
    assert len(db_ctl.json("track", "show")["consents"]) == 1
