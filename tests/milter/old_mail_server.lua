-- SPDX-License-Identifier: BSD-2-Clause
-- One that can neither skip nor keep quiet nor change bodies is recorded.
-- EVENT offer mode=identified reason=failed
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = mt.connect(socket, 100, 0.05)
ok(mt.negotiate(conn, 6, SMFIF_ADDHDRS, 0))
ok(mt.conninfo(conn, "client.example", "192.0.2.7"))
send(conn, ALICE, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
