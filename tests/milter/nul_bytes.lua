-- SPDX-License-Identifier: BSD-2-Clause
-- NULs in a body are nobody's HTML: the message is left alone.
-- BEFORE printf '<html><body>\000\000</body></html>\r\n' > page
-- EVENT offer reason=charset
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
envelope(conn, ALICE)
header(conn, { HTML })
ok(mt.bodyfile(conn, dir .. "/page"))
finish(conn)
assert(untouched(conn))
mt.disconnect(conn)
