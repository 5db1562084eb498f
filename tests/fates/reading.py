# SPDX-License-Identifier: BSD-2-Clause
"""A plain reading of Postfix's log, written without a look at Mailtrail's: the
second opinion on what the log says at all of a run. It knows the lines that
this run makes, of Postfix 3.7, and no others.
"""

import collections
import re

from .truth import GRAVEST_FIRST, SPAM, Refusal

LINE = re.compile(r"^\w{3} [ \d]\d [\d:]{8} \S+ (\S+?)\[(\d+)\]: (.*)$")
ENTRY = re.compile(r"^(NOQUEUE|[0-9A-Za-z]{12,}): (.*)$")
ADDRESS = r'<((?:"(?:[^"\\]|\\.)*"|[^">])*)>'
DELIVER = re.compile(
    rf"^to={ADDRESS}, (?:orig_to={ADDRESS}, )?relay=(.*?), "
    r"(?:conn_use=\d+, )?delay=[\d.]+, delays=[\d./]+, dsn=[\d.]+, "
    r"status=(\w+) \(")
REFUSE = re.compile(
    r"^(milter-)?(reject|hold|discard|redirect): ([A-Z/-]+|header|body) (.*)$")
PARTIES = re.compile(
    rf"; from={ADDRESS}(?: to={ADDRESS})? proto=")
REPLY = re.compile(r"^from \S+: (?:(\d{3}) )?(\d\.\d+\.\d+ )?")
WORDS = {"sent": "delivered", "deferred": "deferred", "bounced": "bounced",
         "SOFTBOUNCE": "deferred"}
FINAL = ("delivered", "bounced", "discarded")


class Entry:
    """A queue id."""

    def __init__(self):
        self.legs = {}     # (given address, final address) -> word
        self.acts = set()  # what became of the whole
        self.held = False
        self.active = False
        self.redirected = False

    def whole(self):
        for act in ("rejected", "filtered", "discarded", "expired",
                    "deleted", "requeued"):
            if act in self.acts:
                return "discarded" if act == "deleted" else act
        if self.held:
            return "held"
        return "queued" if self.active else None

    def word(self, leg):
        """What an attempt left open is what the whole message says."""
        if self.legs[leg] in FINAL or self.whole() == "queued":
            return self.legs[leg]
        return self.whole()


class Reading:
    def __init__(self, lines):
        self.entries = collections.defaultdict(Entry)
        self.refusals = []
        self.arrived = collections.defaultdict(set)
        # pid -> acts on a message that has no id yet
        self._pending = collections.defaultdict(list)
        for line in lines:
            match = LINE.match(line)
            if match:
                self._line(match[1].rpartition("/")[2], match[2], match[3])

    def _line(self, program, pid, text):
        match = ENTRY.match(text)
        if match is None:
            return
        queue_id, text = match.groups()
        if queue_id == "NOQUEUE":
            self._refusal(None, pid, text)
            return
        entry = self.entries[queue_id]
        delivery = DELIVER.match(text)
        if delivery:
            self._delivery(queue_id, program, *delivery.groups())
        elif program == "postsuper":
            self._postsuper(entry, text)
        elif program == "smtpd" and text.startswith("client="):
            self._take_up(entry, pid)
        elif program == "qmgr":
            if "status=" in text and "expired, returned" in text:
                entry.acts.add("expired")
            elif text.endswith("(queue active)"):
                entry.active, entry.held = True, False
        else:
            self._refusal(queue_id, pid, text)

    def _delivery(self, queue_id, program, to, given, relay, status):
        word = WORDS.get(status)  # none for probes
        if word is None:
            return
        if program == "discard":
            word = "discarded"
        leg = (given or to).lower(), to.lower()
        if word == "delivered":
            self.arrived[relay].add((queue_id, to.lower()))
        entry = self.entries[queue_id]
        if entry.legs.get(leg) not in FINAL or word in FINAL:
            entry.legs[leg] = word

    @staticmethod
    def _postsuper(entry, text):
        if text in ("removed", "requeued"):
            entry.acts.add({"removed": "deleted"}.get(text, text))
        elif text in ("placed on hold", "released from hold"):
            entry.held = text == "placed on hold"

    def _take_up(self, entry, pid):
        """smtpd says what a rule did at the first recipient before the
        message has an id, and then the id."""
        acts = self._pending.pop(pid, ())
        if "hold" in acts:
            entry.held = True
        if "redirect" in acts:
            entry.redirected = True
        if "discard" in acts:
            entry.acts.add("discarded")

    def _refusal(self, queue_id, pid, text):
        match = REFUSE.match(text)
        if match is None:
            return
        milter, action, stage, rest = match.groups()
        sender, rcpt = None, None
        for parties in PARTIES.finditer(rest):
            sender, rcpt = parties.groups()
        if action == "reject":
            code = REPLY.match(rest)
            self.refusals.append(Refusal(
                stage.lower(), int(code[1] or 0) if code else 0, sender,
                rcpt, queue_id))
        if queue_id is None:
            if action == "reject":
                self._pending.pop(pid, None)
            else:
                self._pending[pid].append(action)
            return
        entry = self.entries[queue_id]
        if action == "hold":
            entry.held = True
        elif action == "redirect":
            entry.redirected = True
        elif action == "discard":
            entry.acts.add("filtered" if milter else "discarded")
        elif stage == "RCPT":
            entry.legs[rcpt.lower(), rcpt.lower()] = "rejected"
        else:
            entry.acts.add("filtered" if milter and f" 5.7.1 {SPAM}" in rest
                           else "rejected")

    # What compare.py asks

    def recipient(self, queue_id, address):
        """The word for a recipient; when none is named, the whole's."""
        entry = self.entries[queue_id]
        if not entry.legs:
            return entry.whole()
        words = {entry.word(leg) for leg in entry.legs
                 if leg[0] == address.lower()}
        if not words and entry.redirected:
            # Postfix names one recipient, and sends a copy for all of them.
            words = {entry.word(leg) for leg in entry.legs}
        for word in GRAVEST_FIRST:
            if word in words:
                return word
        return None

    def delivery(self, queue_id, address):
        """The words for a final address, one for each way to it."""
        entry = self.entries[queue_id]
        return [entry.word(leg) for leg in entry.legs
                if leg[1] == address.lower()]
