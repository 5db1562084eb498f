-- SPDX-License-Identifier: BSD-2-Clause
-- EVENT offer queue_id=4jWQqq1YRQz1cQdJ message_id=1@example.org request=no mode=off level=header reason=off subject=First
-- EVENT rcpt
-- EVENT offer queue_id=4jWQqq1rFJz1cQdJ message_id=2@example.org mode=identified reason=done !request !subject
-- EVENT mark queue_id=4jWQqq1rFJz1cQdJ
-- EVENT rcpt
-- EVENT offer sender= mode=off level=none reason=off
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { "Message-ID: <1@example.org>", "Subject: First",
    "X-Mailtrail-Open: no", HTML }, PAGE)
assert(mt.eom_check(conn, MT_HDRDELETE, "X-Mailtrail-Open"))
assert(not mt.eom_check(conn, MT_BODYCHANGE))
send(conn, { user = "alice@example.org", sender = "<alice@example.org>",
    queue_id = "4jWQqq1rFJz1cQdJ" },
    { "Message-ID: <2@example.org>", HTML }, PAGE)
assert(marked(conn))
assert(not mt.eom_check(conn, MT_HDRDELETE))
send(conn, { user = "alice@example.org", sender = "<>" }, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
