-- SPDX-License-Identifier: BSD-2-Clause
-- Mail goes on, marked, and the loss is said.
-- BEFORE touch nodir
-- OPTION spool_dir={dir}/nodir/spool
-- LOG losing events
-- LOG mail goes on unrecorded
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
