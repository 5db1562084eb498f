-- SPDX-License-Identifier: BSD-2-Clause
-- OPTION message_max=1k
-- EVENT offer reason=too_large mode=identified size=1246
-- EVENT rcpt
-- EVENT offer reason=done
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
envelope(conn, ALICE)
header(conn, { HTML })
for _ = 1, 30 do body(conn, PAGE) end
finish(conn)
assert(untouched(conn))
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
