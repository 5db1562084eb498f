-- SPDX-License-Identifier: BSD-2-Clause
-- Next to nothing in it (miltertest itself adds a From and a line of body; a
-- message without either is in tests/e2e/test_milter.py).
-- EVENT offer size=50 reason=plain header_from=sender@example.com !message_id !subject !part
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, {}, nil)
assert(untouched(conn))
mt.disconnect(conn)
