-- SPDX-License-Identifier: BSD-2-Clause
-- Mail goes on, and the loss is said, once. A mark that nobody recorded would
-- tell nobody anything, so there is none; what the sender asked for is done.
-- BEFORE touch nodir
-- OPTION spool_dir={dir}/nodir/spool
-- LOG mail goes on unrecorded
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { "X-Mailtrail-Open: yes", HTML }, PAGE)
assert(not marked(conn))
assert(mt.eom_check(conn, MT_HDRDELETE, "X-Mailtrail-Open"))
mt.disconnect(conn)
