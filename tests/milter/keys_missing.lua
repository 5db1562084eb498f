-- SPDX-License-Identifier: BSD-2-Clause
-- BEFORE rm token.keys
-- LOG token.keys: .*marking nothing
-- EVENT offer mode=identified reason=key_missing
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
