# SPDX-License-Identifier: BSD-2-Clause
"""tests/tools/maillog_samples: what we read of logs of others is what their
own tests expect, or has a reason."""

import shutil

import pytest

from tests.lib.process import run

FIGURES = """\
crowdsecurity__hub: 52 expected, 50 so, 2 otherwise
homoluctus__maillogger: 6 expected, 6 so, 0 otherwise
own: 6 expected, 5 so, 1 otherwise
own: 2 expected, 2 so, 0 otherwise
sergeymakinen__postfix_exporter: 117 expected, 105 so, 12 otherwise
deliveries: 2 expected, 2 so, 0 otherwise
185 expected in all
""".splitlines()


@pytest.fixture
def samples(root, tmp_path):
    shutil.copytree(root / "tests/data/maillog/samples", tmp_path / "samples")
    return tmp_path / "samples"


def compare(root, directory, ok=0):
    return run([root / "tests/tools/maillog_samples", directory], ok=(ok,))


def test_samples_are_read_as_their_sources_expect(root, samples):
    said = compare(root, samples).stdout
    assert [line for line in said.splitlines()
            if not line.startswith(" ")] == FIGURES


# Something else in a line, and what is then shown as not expected.
CHANGES = {
    "an address": ("own/failures", "from unknown[192.0.2.66]: 554",
                   "from unknown[192.0.2.67]: 554", "'host': '192.0.2.67'"),
    "a time": ("own/failures", "\nMar  7 16:41:37", "\nMar  7 16:41:38",
               "16:41:38.000000Z"),
    "a login": ("own/failures", "sasl_username=alice",
                "sasl_username=mallory", "mallory@example.org"),
    "no shape": ("own/failures", "lost connection after DATA",
                 "spoke of the weather in DATA", "'known': False"),
    "no refusal": ("own/rules.ini", "reject: RCPT", "PASS NEW", "set()"),
    "a source": ("crowdsecurity__hub/postfix-honeypot-users__"
                 "postfix-honeypot-users.log", "unknown[203.0.113.90]",
                 "unknown[203.0.113.91]", "got      False"),
    "a reply": ("homoluctus__maillogger/maillog", "250 ok dirdel",
                "250 ok", "'250 ok'"),
    "a counter": ("sergeymakinen__postfix_exporter/mail.log",
                  "status=bounced", "status=deferred",
                  "statuses_total status=bounced"),
    "a delay": ("own/deliveries", "delay=1.5", "delay=1.4", "'delay': 1400"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_difference_without_a_reason_is_shown(root, samples, change):
    name, was, new, shown = change
    path = samples / name
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, new))
    said = compare(root, samples, ok=1).stdout
    assert "NO REASON" in said
    assert shown in said


def test_where_nothing_is_expected_is_no_success(root, samples, tmp_path):
    log = tmp_path / "logs" / "somebody" / "mail.log"
    log.parent.mkdir(parents=True)
    shutil.copy(samples / "own/deliveries", log)
    assert "nothing is expected" in compare(root, tmp_path / "logs",
                                            ok=2).stderr
