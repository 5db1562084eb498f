# SPDX-License-Identifier: BSD-2-Clause
"""Refused, at any step; probed for; thrown away."""

from ..message import fate

GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         "*C.34X\r\n")

# Refused


@fate(10)
def refused_client(m):
    m.port = "closed"
    m.never("rejected")


@fate(10)
def refused_helo(m):
    m.helo = "bad.test"
    m.never("rejected")


@fate(15)
def refused_sender(m):
    m.say_from(m.random.choice(("mail5", "mail4")))
    m.never("rejected")


@fate(20)
def refused_recipient(m):
    m.add(f"deny.{m.name}.0@sink.test", "rejected", [])
    m.to("ok", "delivered")
    m.add(f"deny4.{m.name}.2@sink.test", "rejected", [])


@fate(10)
def refused_all_recipients(m):
    m.add(f"deny.{m.name}.0@sink.test", "rejected", [])
    m.add(f"ghost.{m.name}.1@virt.test", "rejected", [])
    m.add(f"ghost.{m.name}.2@alias.test", "rejected", [])


@fate(10)
def refused_by_transport(m):
    m.add(f"ok.{m.name}.0@error.test", "rejected", [])
    m.add(f"ok.{m.name}.1@later.test", "rejected", [])


@fate(15)
def refused_data(m):
    m.say_from(m.random.choice(("data5", "data4")))
    m.never("rejected")


@fate(15)
def refused_at_end(m):
    m.say_from(m.random.choice(("end5", "end4")))
    m.never("rejected")


@fate(10)
def refused_header(m):
    m.headers.append("X-Fate-Header: reject")
    m.never("rejected")


@fate(10)
def refused_body(m):
    m.body = "A line\r\nbody reject\r\n"
    m.never("rejected")


@fate(5)
def refused_size(m):
    m.mail_options = " SIZE=70000"
    m.never("rejected")


@fate(5)
def refused_size_at_end(m):
    m.body = ("x" * 70 + "\r\n") * 1000
    m.never("rejected")


@fate(15)
def refused_spam(m):
    # At this test pattern rspamd stops, and asks no plugin any more.
    m.body = GTUBE
    m.never("rejected")


@fate(10)
def refused_by_scan(m):
    m.headers.append("X-Fate-Scan: reject")
    m.never("filtered")


@fate(10)
def refused_for_now_by_scan(m):
    m.headers.append("X-Fate-Scan: soft reject")
    m.never("rejected")


@fate(8)
def gone_in_dialogue(m):
    m.leave = "rcpt"
    m.never("aborted")


@fate(8)
def gone_in_data(m):
    m.leave = "data"
    m.never("aborted")


# Probed


@fate(6)
def probed(m):
    m.to("ok", "delivered", "probe.test")


@fate(6)
def probed_in_vain(m):
    m.add(f"bounce.{m.name}.0@probe.test", "rejected", [])


# Thrown away


@fate(20)
def discarded(m):
    m.say_from(m.random.choice(("drop", "enddrop")))
    m.never("discarded")


@fate(10)
def discarded_header(m):
    m.headers.append("X-Fate-Header: discard")
    m.never("discarded")


@fate(10)
def discarded_body(m):
    m.body = "A line\r\nbody discard\r\n"
    m.never("discarded")


@fate(15)
def discarded_by_transport(m):
    m.to("ok", "discarded", "discard.test")
    m.to("ok", "delivered")


@fate(10)
def discarded_by_scan(m):
    m.headers.append("X-Fate-Scan: discard")
    m.never("filtered")
