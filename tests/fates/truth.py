# SPDX-License-Identifier: BSD-2-Clause
"""From evidence to words: what became of each recipient, in the words of
lib/base/words.def (set status). Pure; plan.py says what was meant, the log
what Postfix said, MariaDB what Mailtrail made of it, and all must agree.
"""

import dataclasses

from .evidence import notices_reach


@dataclasses.dataclass
class Refusal:
    """One line of refusal, as log or database have it."""
    stage: str
    code: int      # 0: not said
    sender: str    # None: not known yet
    rcpt: str      # None: not known yet, or several
    queue_id: str  # None: none yet


# What a recipient is, when its final addresses differ.
GRAVEST_FIRST = ("bounced", "expired", "rejected", "filtered", "deferred",
                 "held", "queued", "aborted", "discarded", "requeued",
                 "delivered")
# In the replies of rspamd, when it refuses what it takes for spam.
SPAM = "as the message asks"
ACTS = {"-d": "discarded", "-r": "requeued"}
QUEUES = {"hold": "held", "deferred": "deferred", "active": "queued",
          "incoming": "queued"}


def of_whole(m, told, address):
    """The word when the message never came to be queued for the recipient;
    None when it did."""
    reply = told.refusal(address)
    if reply is not None:
        return "filtered" if reply[:1] == "5" and SPAM in reply \
            else "rejected"
    if told.left:
        return "aborted"
    return None


def queued_in(seen, queue_id, addresses):
    """Which queue has the message and still owes it to one of these."""
    entry = seen.listing.get(queue_id)
    if entry is None or not {r["address"] for r in entry["recipients"]} \
            & set(addresses):
        return None
    return QUEUES[entry["queue_name"]]


def of_final(m, final, seen, queue_id, also=()):
    """What became of an address that Postfix delivers to, under the queue id
    that the client was told; `also` are names it has in the queue."""
    copies = seen.taken.get((m.name, final.seen or final.address), [])
    act = seen.acts.get(queue_id)
    if act == "-r" and any(q not in (None, queue_id) for q in copies):
        return "requeued"
    if copies:
        return "delivered"
    where = queued_in(seen, queue_id, (final.address, *also))
    if where is not None:
        return where
    if act in ACTS:
        return ACTS[act]
    for action, status in seen.reports.get((m.name, final.address), ()):
        if action == "failed":
            return "bounced" if status[:1] == "5" else "expired"
    stage, reply = seen.answers.get(final.address, ("", ""))
    if stage and not notices_reach(m):
        return "bounced" if reply[:1] == "5" else "expired"
    return "discarded"


def of_rcpt(m, rcpt, seen):
    """What became of a recipient that the client gave."""
    told = seen.told[m.n]
    word = of_whole(m, told, rcpt.address)
    if word is not None:
        return word
    if not rcpt.finals:  # not meant to get so far as to be delivered
        word = queued_in(seen, told.queue_id, [rcpt.address])
        return word or thrown_away(m, seen, told)
    words = {of_final(m, f, seen, told.queue_id, [rcpt.address])
             for f in rcpt.finals}
    return next(w for w in GRAVEST_FIRST if w in words)


def thrown_away(m, seen, told):
    """Taken from the client, in no queue, with no receiver, not bounced."""
    if any(name == m.name for name, _ in (*seen.taken, *seen.reports)):
        return "delivered"
    return "filtered" if "X-Fate-Scan: discard" in m.headers else "discarded"


def unasked(messages, seen):
    """Copies that came to somebody who is no recipient, and such as came
    twice: lines of text."""
    meant = {}
    for m in messages:
        for final in (*m.extra, *(f for r in m.rcpts for f in r.finals)):
            key = m.name, final.seen or final.address
            meant[key] = meant.get(key, 0) + 1
    for key, copies in seen.taken.items():
        if key not in meant:
            yield f"{key} got {copies} and was no recipient"
        elif len(copies) > meant[key]:
            yield f"{key} got {copies}, meant {meant[key]}"
