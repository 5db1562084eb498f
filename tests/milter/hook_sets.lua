-- SPDX-License-Identifier: BSD-2-Clause
-- With set a hook turns on where no rule spoke; not for mail from outside, not
-- against the message's own header, not against a recipient who refused.
-- HOOK function decide(m)
-- HOOK   return { mode = "pseudonymous", set = true }
-- HOOK end
-- EVENT offer user=zoe@none.example mode=pseudonymous level=hook reason=done
-- EVENT mark mode=pseudonymous
-- EVENT rcpt
-- EVENT offer mode=off level=direction reason=off hook=done !user
-- EVENT rcpt
-- EVENT offer mode=off level=header reason=off
-- EVENT rcpt
-- EVENT offer mode=off level=recipient reason=off
-- EVENT rcpt mode=off
dofile(here .. "/dialogue.lua")
local conn = open()
local zoe = { user = "zoe@none.example", sender = "<zoe@none.example>" }
send(conn, zoe, { HTML }, PAGE)
assert(marked(conn))
send(conn, { sender = "<zoe@none.example>" }, { HTML }, PAGE)
assert(untouched(conn))
send(conn, zoe, { "X-Mailtrail-Open: no", HTML }, PAGE)
assert(not marked(conn))
zoe.rcpts = { "<never@example.com>" }
send(conn, zoe, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
