-- SPDX-License-Identifier: BSD-2-Clause
-- SIGUSR1 under an open connection; keys are renewed with it.
-- EVENT offer reason=done
-- EVENT mark
-- EVENT rcpt
-- EVENT offer reason=done
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
reload()
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
