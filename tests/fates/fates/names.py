# SPDX-License-Identifier: BSD-2-Clause
"""Names that are hard to read."""

from ..message import fate


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
