-- SPDX-License-Identifier: BSD-2-Clause
-- A hook lowers what the policy allows, and cannot raise it without set.
-- HOOK function decide(m)
-- HOOK   return { mode = m:header("X-Mode") }
-- HOOK end
-- EVENT offer mode=anonymous level=hook reason=done hook=done !extra
-- EVENT mark mode=anonymous
-- EVENT rcpt
-- EVENT offer mode=off level=hook reason=off hook=done
-- EVENT rcpt
-- EVENT offer mode=identified level=domain rule=example.org reason=done hook=done
-- EVENT mark mode=identified
-- EVENT rcpt
-- EVENT offer user=carl@example.org mode=anonymous level=mailbox reason=done
-- EVENT mark mode=anonymous
-- EVENT rcpt
-- EVENT offer user=zoe@none.example mode=off level=none reason=off hook=done
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { "X-Mode: anonymous", HTML }, PAGE)
assert(marked(conn))
send(conn, ALICE, { "X-Mode: off", HTML }, PAGE)
assert(untouched(conn))
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
send(conn, { user = "carl@example.org", sender = "<carl@example.org>" },
    { "X-Mode: identified", HTML }, PAGE)
assert(marked(conn))
send(conn, { user = "zoe@none.example", sender = "<zoe@none.example>" },
    { "X-Mode: identified", HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
