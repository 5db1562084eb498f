-- SPDX-License-Identifier: BSD-2-Clause
-- BEFORE truncate -s 200 policy.snapshot
-- LOG policy.snapshot: has 200 bytes and should have [0-9]+; marking nothing
-- EVENT offer mode=off level=snapshot reason=off
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
