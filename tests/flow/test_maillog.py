# SPDX-License-Identifier: BSD-2-Clause
"""What the log says of messages, against what client and sinks saw.

tests/data/maillog/own.log is the log of about 100 scenarios through a real
Postfix, own-truth.json what its client and its sinks saw of them, by
Message-ID and envelope recipient.
"""

import collections
import json
import pathlib
import re

from tests.lib.process import run

DATA = pathlib.Path(__file__).resolve().parents[1] / "data/maillog"
FIELD = re.compile(r" ([a-z_]+)=<(.*?)>(?= [a-z_]+=<|$)")
NOTICE = {"non-delivery": "notified_failure", "delay": "notified_delay",
          "delivery status": "notified_success"}


def events(build):
    """The events of own.log: (kind, fields), in order."""
    text = run([build / "tests/tools/maillog_survey", "-g", "-z", "UTC",
                "-n", "2026-12-01T00:00:00Z", DATA / "own.log"]).stdout
    for line in text.splitlines():
        if line.startswith("  "):
            kind, _, rest = line[2:].partition(" ")
            yield kind, dict(FIELD.findall(" " + rest))


def lives(build):
    """By queue id: its Message-IDs, deliveries by recipient, steps."""
    found = collections.defaultdict(
        lambda: {"ids": [], "deliveries": {}, "steps": [], "rejects": []})
    for kind, fields in events(build):
        life = found[fields.get("queue_id")]
        if kind == "deliver":
            life["deliveries"][fields["rcpt"]] = fields
        elif kind == "queue":
            life["steps"].append((fields["step"], fields.get("other")))
            if "message_id" in fields:
                life["ids"].append(fields["message_id"])
        elif kind == "reject":
            life["rejects"].append(fields)
    return found


def check_delivery(scenario, address, delivery, ours):
    """The last that the log says of a recipient is what the sink saw."""
    got = [life["deliveries"][address] for life in ours
           if address in life["deliveries"]]
    # What expired had failed for now before.
    finals = {"expired": ("deferred", "softbounce")}.get(
        delivery["final"], (delivery["final"],))
    last = [g for g in got if g["outcome"] in finals]
    assert last, (scenario, address, got)
    for field in ("dsn", "relay"):
        if delivery.get(field):
            assert last[-1].get(field) == delivery[field], (scenario, address)


def check_steps(truth, steps, seen):
    for notice in truth["notifications"]:
        assert (NOTICE[notice["kind"]], notice["queue_id"]) in steps, (
            truth["scenario"])
        seen[notice["kind"]] += 1
    if truth["expired_in_queue"]:
        assert "expired" in [step for step, _ in steps], truth["scenario"]


def test_the_log_says_what_was_seen(build):
    found = lives(build)
    by_id = collections.defaultdict(list)
    for life in found.values():
        for message_id in life["ids"]:
            by_id[message_id].append(life)
    seen = collections.Counter()
    for truth in json.loads((DATA / "own-truth.json").read_text()):
        # A message that was queued anew or forwarded has several lives.
        ours = list(by_id.get((truth.get("message_id") or "").strip("<>"), []))
        if truth.get("queue_id"):
            ours.append(found[truth["queue_id"]])
        for expected in truth["recipients"].values():
            for address, delivery in (
                    expected.get("deliveries") or {}).items():
                check_delivery(truth["scenario"], address, delivery, ours)
                seen[delivery["final"]] += 1
        check_steps(truth, [step for life in ours for step in life["steps"]],
                    seen)
    assert seen["sent"] > 100 and seen["bounced"] > 25
    assert seen["expired"] > 10 and seen["non-delivery"] > 10


def test_what_was_refused_is_said(build):
    refused = [f for kind, f in events(build)
               if kind == "reject" and f["action"] == "reject"]
    truth = json.loads((DATA / "own-truth.json").read_text())
    for scenario in truth:
        for rcpt, expected in scenario["recipients"].items():
            if expected.get("observed") != "rejected-at-rcpt":
                continue
            code = expected["rcpt_reply"][:3]
            assert [f for f in refused
                    if f.get("rcpt") == rcpt and f.get("code") == code], (
                        scenario["scenario"], rcpt)
