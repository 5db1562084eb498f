# SPDX-License-Identifier: BSD-2-Clause
"""What Postfix's log says, read by code that shares nothing with lib/maillog:
every line of a queue id, and every attempt to deliver."""

import collections
import re

LINE = re.compile(r"\w{3} [ \d]\d [\d:]{8} \S+ ([^\s\[]+)\[(\d+)\]: "
                  r"([0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10}z\w+): (.*)")
ATTEMPT = re.compile(r"to=<([^>]*)>, .*?\bstatus=(\w+) ")


class Logged:
    """lines: (queue id, tag with pid, text) -> how often; attempts: (queue
    id, recipient, outcome) -> how often."""

    def __init__(self, lines):
        self.lines = collections.Counter()
        self.attempts = collections.Counter()
        for line in lines:
            found = LINE.match(line)
            if found is None:
                continue
            tag, pid, queue_id, text = found.groups()
            self.lines[queue_id, f"{tag}[{pid}]", text] += 1
            attempt = ATTEMPT.match(text)
            if attempt:
                self.attempts[queue_id, *attempt.groups()] += 1


class Stored:
    """The same of MariaDB."""

    def __init__(self, query):
        self.lines = collections.Counter({
            (queue_id, tag, text.partition(": ")[2]): n
            for queue_id, tag, text, n in query(
                "SELECT queue_id, tag, text, COUNT(*) FROM ev_line "
                "GROUP BY queue_id, tag, text COLLATE utf8mb4_bin", ())})
        self.attempts = collections.Counter({
            tuple(row[:3]): row[3] for row in query(
                "SELECT queue_id, rcpt, outcome, COUNT(*) FROM ev_deliver "
                "GROUP BY 1, 2, 3", ())})


def differences(logged, stored, lost):
    """(what, how many, some) of all that is missing or too often; lost: queue
    ids of which something was destroyed."""
    for what in ("lines", "attempts"):
        log, rows = getattr(logged, what), getattr(stored, what)
        missing = collections.Counter({
            k: n for k, n in (log - rows).items() if k[0] not in lost})
        for word, more in ((f"{what} of the log are not stored", missing),
                           (f"{what} are stored and not in the log, or too "
                            "often", rows - log)):
            if more:
                yield word, more.total(), sorted(more)[:3]
