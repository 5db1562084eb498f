# SPDX-License-Identifier: BSD-2-Clause
"""Mixed fates: what Mailtrail says of every recipient is what senders and
receivers saw, while the log is rotated and mailtrail-tail killed.

MT_FATES=10000 plays as many messages, MT_SEED other ones (tests/fates/run
does it with a report).
"""

import os
import random
import secrets

import pytest

from tests.fates.chain import Chain
from tests.fates.compare import Comparison, meant
from tests.fates.plan import FATES, plan
from tests.fates.reading import Reading
from tests.fates.scene import Scene
from tests.fates.troubles import Troubles
from tests.lib.process import Lab

MESSAGES = int(os.environ.get("MT_FATES", "600"))
SEED = int(os.environ.get("MT_SEED", secrets.randbits(32)))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def system_lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def played(system_lab, build, needs_root):
    """(chain, messages, evidence, troubles) of one run."""
    print(f"seed {SEED}")
    chain = Chain(system_lab, build).start()
    messages = plan(MESSAGES, SEED)
    with Troubles(chain.log, chain.tail, SEED) as troubles:
        seen = Scene(chain.host, messages).play()
    chain.wait_stored()
    return chain, messages, seen, troubles


def test_what_was_planned_has_happened(played):
    _, messages, seen, troubles = played
    assert {m.fate for m in messages} == set(FATES)
    assert list(meant(messages, seen)) == []
    assert troubles.kills and troubles.log.rotated


def test_the_log_says_what_has_happened(played):
    chain, messages, seen, _ = played
    told = Reading(chain.log.lines())
    assert Comparison(messages, seen, told).check().problems == []


def test_mailtrail_says_what_has_happened(played):
    chain, messages, seen, _ = played
    comparison = Comparison(messages, seen, chain.stored()).check()
    assert comparison.problems == []
    assert set(comparison.counts) >= {
        "delivered", "bounced", "expired", "rejected", "filtered",
        "discarded", "held", "requeued", "deferred", "queued"}


def test_a_lie_about_any_recipient_is_noticed(played):
    """The comparison itself: the log's reading, with one word changed."""
    chain, messages, seen, _ = played
    told = Reading(chain.log.lines())
    queued = [(m, r) for m in messages for r in m.rcpts
              if seen.told[m.n].queue_id]
    for m, r in random.Random(SEED).sample(queued, 50):
        truth_of = told.recipient
        word = "bounced" if truth_of(seen.told[m.n].queue_id, r.address) \
            == "delivered" else "delivered"
        told.recipient = lambda q, a: word if a == r.address else \
            truth_of(q, a)
        problems = Comparison(messages, seen, told).check().problems
        told.recipient = truth_of
        assert len(problems) >= 1 and r.address in problems[0]


def test_no_log_line_was_an_error(played):
    played[0].ours.check_logs()
