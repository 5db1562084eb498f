# SPDX-License-Identifier: BSD-2-Clause
"""Changed on its way, and what is said to the sender of that."""

from ..message import Final, fate

# Changed on its way


@fate(20)
def aliased(m):
    for word, final in (("team", "ab"), ("chain", "ab"), ("other", "a")):
        base = f"{m.name}.{len(m.rcpts)}"
        m.add(f"{word}.{base}@alias.test", "delivered",
              [Final(f"ok.{base}.{x}@sink.test", "delivered")
               for x in final])


@fate(15)
def aliased_mixed(m):
    base = f"{m.name}.0"
    m.add(f"mixed.{base}@alias.test", "bounced",
          [Final(f"ok.{base}.a@sink.test", "delivered"),
           Final(f"bounce.{base}.b@sink.test", "bounced")])


@fate(10)
def aliased_late(m):
    base = f"{m.name}.0"
    m.add(f"late.{base}@alias.test", "delivered",
          [Final(f"defer1.{base}.a@sink.test", "delivered"),
           Final(f"ok.{base}.b@sink.test", "delivered")])


@fate(10)
def redirected(m):
    m.say_from("redirect")
    address = f"ok.{m.name}.0@sink.test"
    m.add(address, "delivered",
          [Final(f"ok.{m.name}.r@sink.test", "delivered")])


@fate(5)
def redirected_all(m):
    m.say_from("redirect")
    # One copy is for both of them.
    for k in range(2):
        m.add(f"ok.{m.name}.{k}@sink.test", "delivered",
              [Final(f"ok.{m.name}.r@sink.test", "delivered")])


@fate(5)
def given_twice(m):
    m.to("ok", "delivered")
    m.rcpts *= 2


@fate(10)
def redirected_by_header(m):
    m.headers.append(f"X-Fate-Header: redirect {m.name}")
    address = f"ok.{m.name}.0@sink.test"
    m.add(address, "delivered",
          [Final(f"ok.{m.name}.r@sink.test", "delivered")])


@fate(10)
def copied(m):
    m.say_from("bcc")
    m.some()
    # The rule is asked, and adds it, at each recipient.
    m.extra += [Final(f"ok.{m.name}.b@sink.test", "delivered")
                for _ in m.rcpts]


@fate(10)
def copied_by_map(m):
    m.add(f"ok.copied.{m.name}@sink.test", "delivered")
    m.extra.append(Final(f"ok.{m.name}.b@sink.test", "delivered"))


@fate(10)
def copied_by_header(m):
    m.headers.append(f"X-Fate-Header: bcc {m.name}")
    m.some()
    m.extra.append(Final(f"ok.{m.name}.b@sink.test", "delivered"))


@fate(20)
def filtered_and_back(m):
    m.say_from("filter")
    m.some()


@fate(10)
def filtered_by_header(m):
    m.headers.append("X-Fate-Header: filter")
    m.some()


@fate(20)
def only_looked_at(m):
    how = m.random.randrange(5)
    if how < 2:
        m.say_from(("warn", "prepend")[how])
    elif how < 4:
        m.headers.append("X-Fate-Header: " + ("warn", "replace")[how - 2])
    m.some(domain="warned.test" if how == 4 else "sink.test")


@fate(20)
def thought_spam(m):
    m.headers.append("X-Fate-Scan: "
                     + m.random.choice(("add header", "rewrite subject")))
    m.some()


# Success asked for, or silence


@fate(10)
def success_asked(m):
    m.rcpt_options = " NOTIFY=SUCCESS,FAILURE"
    m.to("ok", "delivered", m.random.choice(
        ("virt.test", "pipe.test", "sink.test", "silent.test")))
    m.to("bounce", "bounced")


@fate(5)
def success_asked_of_aliases(m):
    m.rcpt_options = " NOTIFY=SUCCESS"
    aliased(m)
    m.to("file", "delivered", "local.test", "+")


@fate(5)
def silence_asked(m):
    m.rcpt_options = " NOTIFY=NEVER"
    m.to("bounce", "bounced")
    m.to("tmp", "expired")
