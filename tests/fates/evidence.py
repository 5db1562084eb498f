# SPDX-License-Identifier: BSD-2-Clause
"""What senders, receivers and the administrator have seen of each recipient,
put together: no log is asked."""

import collections
import dataclasses

from .receiver import rule


@dataclasses.dataclass
class Seen:
    """All that happened; keys are (X-Fate, address)."""
    told: dict      # n -> client.Told
    taken: dict     # key -> [queue id or None] of each copy
    answers: dict   # address -> the last reply a receiver gave it
    reports: dict   # key -> [(action, status)] that its sender was sent
    acts: dict      # queue id -> the flag of postsuper
    listing: dict   # queue id -> what postqueue says of it at the end
    arrived: dict   # port -> {(queue id, address)} of all that was taken


def collect(host, clients, acts, listing):
    taken = collections.defaultdict(list)
    answers, arrived = {}, collections.defaultdict(set)
    reports = collections.defaultdict(list)
    for receiver in (host.sink, host.silent):
        for stage, addresses, reply in receiver.answered():
            for address in addresses:
                # At a probe nothing follows the answer to RCPT.
                answers[address] = (stage, reply)
        for copy in receiver.taken():
            arrived[receiver.port].update(
                (copy["queue_id"], a.lower()) for a in copy["recipients"])
            if copy["reports"]:
                for original, final, action, status in copy["reports"]:
                    for address in {original, final}:
                        reports[copy["about"], address].append(
                            (action, status))
                continue
            for address in copy["recipients"]:
                taken[copy["fate"], address].append(copy["queue_id"])
    for name, address in host.kept():
        taken[name, address].append(None)
    return Seen(clients.told, dict(taken), answers, dict(reports), acts,
                listing, dict(arrived))


def notices_reach(m):
    """Is somebody told when a message of this sender fails?"""
    return m.sender != "" and "NEVER" not in m.rcpt_options \
        and rule(m.sender)[0] not in ("bounce", "tmp")
