-- SPDX-License-Identifier: BSD-2-Clause
-- The most restrictive of several requests holds; all are removed.
-- EVENT offer user=eve@ask.example request=anonymous mode=anonymous level=header reason=done
-- EVENT mark mode=anonymous
-- EVENT rcpt
-- EVENT offer mode=off level=none reason=off !request
-- EVENT rcpt
-- EVENT offer request=yes mode=pseudonymous level=domain rule=ask.example reason=done
-- EVENT mark mode=pseudonymous
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
local eve = { user = "eve@ask.example", sender = "<eve@ask.example>" }
send(conn, eve, { "X-Mailtrail-Open: yes", "x-mailtrail-open:  Anonymous",
    HTML }, PAGE)
assert(marked(conn))
assert(mt.eom_check(conn, MT_HDRDELETE, "X-Mailtrail-Open"))
send(conn, eve, { HTML }, PAGE)
assert(untouched(conn))
send(conn, eve, { "X-Mailtrail-Open: yes", HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
