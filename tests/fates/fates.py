# SPDX-License-Identifier: BSD-2-Clause
"""Everything that is meant to happen to messages, one function a fate; the
number is how many of a thousand have it, about.

The words are those of lib/base/words.def, set status.
"""

from .message import Final, fate

GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         "*C.34X\r\n")

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


# Names that are hard to read


@fate(15)
def without_message_id(m):
    m.message_id = None
    m.some()


@fate(15)
def with_a_message_id_of_others(m):
    m.message_id = f"<again.{m.n % 7}@fates.test>"
    m.to("bounce" if m.n % 2 else "ok", "bounced" if m.n % 2 else "delivered")


@fate(5)
def with_an_odd_message_id(m):
    m.message_id = m.random.choice((
        "<" + "x" * 400 + f".{m.n}@fates.test>",
        f"\r\n <folded.{m.n}@fates.test>",
        f"no brackets {m.n}", f"<to=<a@b>, status=sent (ok) {m.n}>"))
    m.some()


@fate(20)
def quoted(m):
    for inside in m.random.sample((
            "a b", "comma, to=<evil@sink.test>, status=sent (ok)", "<x>",
            'say \\"so\\"', "at@at", "semi;colon:", "back\\\\slash"), 2):
        k = len(m.rcpts)
        m.add(f'"ok.{m.name}.{k} {inside}"@sink.test', "delivered")


@fate(10)
def international(m):
    m.mail_options = " SMTPUTF8"
    m.to("ok.b\u00fccher", "delivered")
    m.to("bounce.\u65e5\u672c", "bounced")


@fate(10)
def in_capitals(m):
    m.add(f"OK.{m.name}.Shout@Sink.TEST", "delivered")


@fate(5)
def plussed(m):
    m.to("ok", "delivered", part="+tag.")


# What the administrator does


@fate(10)
def held_and_released(m):
    m.say_from(m.random.choice(("hold", "endhold")))
    m.act = "-H"
    m.some()


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
