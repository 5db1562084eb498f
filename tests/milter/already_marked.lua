-- SPDX-License-Identifier: BSD-2-Clause
-- A mark of ours is known again for its own message; a stranger's is neither
-- believed nor removed.
-- EVENT offer message_id=1@example.org reason=done
-- EVENT mark
-- EVENT rcpt
-- EVENT offer message_id=1@example.org reason=already_marked
-- EVENT rcpt
-- EVENT offer message_id=2@example.org reason=done
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { "Message-ID: <1@example.org>", HTML }, PAGE)
local mark = mt.getheader(conn, "X-Mailtrail-Mark", 0)
send(conn, ALICE, { "X-Mailtrail-Mark: nonsense", "X-Mailtrail-Mark:" .. mark,
    "Message-ID: <1@example.org>", HTML }, PAGE)
assert(untouched(conn))
send(conn, ALICE, { "X-Mailtrail-Mark:" .. mark,
    "Message-ID: <2@example.org>", HTML }, PAGE)
assert(marked(conn))
assert(not mt.eom_check(conn, MT_HDRDELETE))
mt.disconnect(conn)
