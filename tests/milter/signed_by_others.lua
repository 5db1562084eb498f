-- SPDX-License-Identifier: BSD-2-Clause
-- EVENT offer reason=dkim
-- EVENT rcpt
-- EVENT offer reason=dkim
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { "dkim-signature: v=1; a=rsa-sha256", HTML }, PAGE)
assert(untouched(conn))
send(conn, ALICE, { "ARC-Seal: i=1; a=rsa-sha256", HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
