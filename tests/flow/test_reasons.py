# SPDX-License-Identifier: BSD-2-Clause
"""Every reason of words.def, from event to view, by way of the collector."""

import json
import pathlib
import re

import pytest

from tests.lib.collecting import Collecting
from tests.lib import events as ev

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
REASONS = re.findall(r"^\| `(\w+)` \| (.*) \|$", re.search(
    r"^## reason\n(.*?)^## ", WORDS, re.M | re.S)[1], re.M)
HOST = "mx.example.org"


@pytest.fixture
def stored(build, lab, redis, mariadb, database, stream):
    """Of reason number i, i + 1 messages; one that a hook spoke about."""
    c = Collecting(build, lab, redis, mariadb, database, stream).migrate()
    at = ev.now_us() - 60 * 1_000_000
    mail = [ev.offer(at + 100 * i + k, HOST, f"A{i:02}B{k:02}", reason=reason)
            for i, (reason, _) in enumerate(REASONS) for k in range(i + 1)]
    mail.append(ev.offer(at, HOST, "HOOKED1", sender="h@hooked.example",
                         level="hook", hook="done", quoted=3,
                         extra=json.dumps({"ticket": "\u00fc 42"})))
    mail.append(ev.offer(at, HOST, "HOOKED2", sender="h@hooked.example",
                         hook="limit"))
    c.add(mail)
    c.start()
    c.wait_stored()
    yield c
    c.stop()


def test_every_reason_is_counted_and_explained(stored):
    assert len(REASONS) > 15
    counted = dict(stored.query(
        "SELECT word, SUM(n) FROM counter WHERE what = 'reason' AND "
        "domain = 'example.org' GROUP BY word"))
    assert counted == {r: i + 1 for i, (r, _) in enumerate(REASONS)}
    refused = dict(stored.query(
        "SELECT reason, SUM(n) FROM v_refusal GROUP BY reason"))
    del counted["done"]
    assert refused == counted
    for i, (reason, sentence) in enumerate(REASONS):
        out = stored.mailtrail("trail", f"A{i:02}B{i:02}").stdout
        said = re.search(r"^  markup +(.*)$", out, re.M)[1]
        assert said == ("done" if reason == "done" else
                        f"none ({reason}: {sentence})")


def test_what_a_hook_said_is_stored_and_shown(stored):
    rows = "SELECT queue_id, quoted, hook, extra FROM v_message WHERE " \
        "sender_domain = 'hooked.example' ORDER BY queue_id"
    assert stored.query(rows) == (
        ("HOOKED1", 3, "done", '{"ticket": "\\u00fc 42"}'),
        ("HOOKED2", None, "limit", None))
    details = stored.query(
        "SELECT detail FROM v_trail WHERE queue_id LIKE 'HOOKED_' AND "
        "event = 'offer' ORDER BY queue_id")
    assert details == (("level=hook reason=done hook=done quoted=3",),
                       ("level=domain reason=done hook=limit",))
    out = stored.mailtrail("trail", "HOOKED1").stdout
    assert re.search("^  extra +ticket=\u00fc 42$", out, re.M)
    assert "; 3 quoted pixels made to show nothing\n" in out
