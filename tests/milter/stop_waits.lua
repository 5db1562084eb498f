-- SPDX-License-Identifier: BSD-2-Clause
-- SIGTERM in the middle: that message is finished, the next passes by.
-- EVENT offer message_id=1@example.org reason=done
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn, other = open(), open()
envelope(conn, ALICE)
header(conn, { "Message-ID: <1@example.org>", HTML })
body(conn, PAGE:sub(1, 12)) -- answered: the message is in work
os.execute("kill -TERM " .. pid)
hidden()
send(other, ALICE, { "Message-ID: <2@example.org>", HTML }, PAGE)
assert(untouched(other))
body(conn, PAGE:sub(13))
finish(conn)
assert(marked(conn))
