# SPDX-License-Identifier: BSD-2-Clause
"""Delivered at once, later, or never."""

from ..message import Final, fate

# Delivered, one way or another


@fate(150)
def plain(m):
    m.some()


@fate(40)
def submitted(m):
    m.port = "submission"
    m.some()


@fate(15)
def proxied(m):
    m.port = "proxied"
    m.some()


@fate(15)
def by_sendmail(m):
    m.port = "sendmail"
    m.some()


@fate(60)
def lmtp(m):
    for k in range(m.random.randint(1, 3)):
        address = f"box{k}+{m.name}@lmtp.test"
        m.add(address, "delivered", [Final(address, "delivered", f"box{k}")])


@fate(30)
def virtual(m):
    m.some(domain="virt.test")


@fate(15)
def local_file(m):
    m.to("file", "delivered", "local.test", "+")


@fate(15)
def local_command(m):
    m.to("command", "delivered", "local.test", "+")


@fate(15)
def local_user(m):
    m.to("mail", "delivered", "local.test", "+")


@fate(15)
def forwarded(m):
    address = f"nobody+{m.name}@local.test"
    m.add(address, "delivered",
          [Final(address, "delivered", "ok.forward@sink.test")])


@fate(20)
def piped(m):
    m.some(domain="pipe.test")


@fate(30)
def many(m):
    for _ in range(m.random.choice((10, 30, 70))):
        m.to("ok", "delivered")


# Later


@fate(60)
def deferred(m):
    m.to(f"defer{m.random.randint(1, 3)}", "delivered")
    m.some()


@fate(15)
def deferred_after_data(m):
    m.to(m.random.choice(("datatmp1", "datatmp2", "drop1")), "delivered",
         "data.test")


@fate(10)
def deferred_by_a_pipe(m):
    m.to("defer", "delivered", "pipe.test")


# Never


@fate(50)
def bounced(m):
    m.to(m.random.choice(("bounce", "nasty")), "bounced")


@fate(15)
def bounced_after_data(m):
    m.to("dataperm", "bounced", "data.test")


@fate(10)
def bounced_by_a_pipe(m):
    m.to("bounce", "bounced", "pipe.test")
    m.to("ok", "delivered", "pipe.test")


@fate(10)
def bounced_by_local(m):
    m.to("ghost", "bounced", "local.test", "+")


@fate(15)
def bounced_by_lmtp(m):
    address = f"box0+{m.name}@lmtp.test"
    m.add(address, "delivered", [Final(address, "delivered", "box0")])
    m.add(f"full+{m.name}@lmtp.test", "bounced")
    m.add(f"ghost+{m.name}@lmtp.test", "bounced")


@fate(10)
def bounced_at_once(m):
    base = f"{m.name}.0"
    m.add(f"gone.{base}@alias.test", "bounced",
          [Final(f"ok.{base}.a@error.test", "bounced")])


@fate(10)
def bounced_twice(m):
    m.say_from("bounce")
    m.to("bounce", "bounced")


@fate(10)
def bounced_from_nobody(m):
    m.sender = ""
    m.to("bounce", "bounced")


@fate(40)
def of_all_kinds(m):
    rules = [("ok", "delivered"), ("bounce", "bounced"),
             ("defer1", "delivered"), ("tmp", "expired"), ("ok", "delivered"),
             ("nasty", "bounced")]
    m.random.shuffle(rules)
    for rule, word in rules[:m.random.randint(2, 6)]:
        m.to(rule, word)


@fate(20)
def expired(m):
    m.to("tmp", "expired")


@fate(5)
def expired_from_nobody(m):
    m.sender = ""
    m.to("tmp", "expired")


@fate(10)
def expired_unreachable(m):
    m.to("ok", "expired", m.random.choice(("refused.test", "nowhere.test")))


@fate(5)
def expired_by_alias(m):
    base = f"{m.name}.0"
    m.add(f"later.{base}@alias.test", "expired",
          [Final(f"ok.{base}.a@later.test", "expired")])


@fate(5)
def expired_by_lmtp(m):
    m.add(f"away+{m.name}@lmtp.test", "expired")


@fate(8)
def soft_bounced(m):
    m.to("bounce", "expired", "soft.test")
    m.to("ok", "delivered", "soft.test")
