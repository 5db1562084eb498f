-- SPDX-License-Identifier: BSD-2-Clause
-- The rest of a body that nobody will change is declined.
-- EVENT offer size=70014 reason=off mode=off
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
envelope(conn, { sender = "<s@else.example>", size = 70014 })
header(conn, { "Subject: x" })
body(conn, string.rep("x", 65533) .. "\r\n")
assert(mt.getreply(conn) == SMFIR_SKIP)
finish(conn)
assert(untouched(conn))
mt.disconnect(conn)
