# SPDX-License-Identifier: BSD-2-Clause
"""What the administrator does with what stays, and what still is there at the
end.
"""

from ..message import Final, fate

# What the administrator does


@fate(10)
def held_and_released(m):
    m.say_from(m.random.choice(("hold", "endhold")))
    m.act = "-H"
    m.some()


@fate(5)
def held_redirected_and_released(m):
    # Two rules, before the message has its queue id.
    m.say_from("redirect")
    m.act = "-H"
    m.add(f"kept.{m.name}.0@sink.test", "delivered",
          [Final(f"ok.{m.name}.r@sink.test", "delivered")])


@fate(10)
def held_and_deleted(m):
    m.headers.append("X-Fate-Header: hold")
    m.act = "-d"
    m.never("discarded")


@fate(10)
def held_and_requeued(m):
    m.say_from("hold")
    m.act = "-r"
    m.to("ok", "requeued")
    m.to("ok", "requeued")


@fate(10)
def deferred_and_deleted(m):
    m.act = "-d"
    m.to("wait", "discarded")
    m.to("ok", "delivered")


@fate(10)
def deferred_and_requeued(m):
    m.act = "-r"
    m.to("wait", "requeued")
    m.to("ok", "delivered")


@fate(10)
def deferred_and_given_up(m):
    m.act = "-e"
    m.to("tmp", "expired")
    m.to("ok", "delivered")


@fate(5)
def deferred_and_held(m):
    m.act = "-h"
    m.to("wait", "held")
    m.to("ok", "delivered")


@fate(10)
def held_by_scan(m):
    m.headers.append("X-Fate-Scan: quarantine")
    m.never("held")


@fate(10)
def held_by_rule(m):
    m.say_from(m.random.choice(("hold", "endhold")))
    m.never("held")


@fate(5)
def held_and_redirected(m):
    m.say_from("redirect")
    m.add(f"kept.{m.name}.0@sink.test", "held", [])


@fate(5)
def held_by_header(m):
    m.headers.append("X-Fate-Header: hold")
    m.never("held")


# Still there at the end


@fate(8)
def left_deferred(m):
    m.left = True
    m.to("tmp", "deferred")
    m.to("ok", "delivered")


@fate(1)
def left_in_the_midst(m):
    m.left = True
    m.to("hang", "queued")
