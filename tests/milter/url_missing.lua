-- SPDX-License-Identifier: BSD-2-Clause
-- OPTION pixel_url=
-- EVENT offer mode=identified reason=url_missing
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
