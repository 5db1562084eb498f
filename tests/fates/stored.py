# SPDX-License-Identifier: BSD-2-Clause
"""What Mailtrail says in MariaDB's views, as a teller for compare.py."""

import collections

from .truth import Refusal


class Stored:
    def __init__(self, query):
        """query(sql) gives rows, as System.query() does."""
        self.whole = dict(query("SELECT queue_id, status FROM v_message"))
        self.recipients = collections.defaultdict(dict)
        for queue_id, rcpt, status in query(
                "SELECT queue_id, rcpt, status FROM v_recipient"):
            self.recipients[queue_id][rcpt.lower()] = status
        self.deliveries = collections.defaultdict(list)
        self.arrived = collections.defaultdict(set)
        for queue_id, rcpt, status, relay in query(
                "SELECT queue_id, rcpt, status, relay FROM v_delivery"):
            self.deliveries[queue_id, rcpt.lower()].append(status)
            if status == "delivered" and relay:
                self.arrived[relay].add((queue_id, rcpt.lower()))
        self.refusals = [
            Refusal(stage or judge, code or 0, sender, rcpt, queue_id)
            for stage, judge, code, sender, rcpt, queue_id in query(
                "SELECT stage, judge, code, sender, rcpt, queue_id "
                "FROM v_reject WHERE action = 'reject'")]

    def recipient(self, queue_id, address):
        """The word for a recipient; when none is named, the whole's."""
        named = self.recipients.get(queue_id)
        if not named:
            return self.whole.get(queue_id)
        return named.get(address.lower())

    def delivery(self, queue_id, address):
        return self.deliveries.get((queue_id, address.lower()), [])
