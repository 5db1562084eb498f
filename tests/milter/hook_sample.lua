-- SPDX-License-Identifier: BSD-2-Clause
-- The sample in conf/milter does what it says.
-- OPTION hook={root}/conf/milter/hook.lua
-- EVENT offer mode=identified level=domain reason=done hook=done extra={"campaign":"autumn"}
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=anonymous level=hook reason=done hook=done !extra
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=off level=hook reason=off hook=done !extra
-- EVENT rcpt
-- EVENT offer mode=off level=direction reason=off hook=done !extra
-- EVENT rcpt
-- EVENT offer hook=done reason=done !extra
-- EVENT mark
-- EVENT rcpt
-- EVENT offer hook=done reason=done extra~{"campaign":"(ä){100}"}
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, ALICE, { "X-Campaign: autumn", "Subject: News", HTML }, PAGE)
assert(marked(conn))
send(conn, ALICE, { "Subject: Strictly CONFIDENTIAL news", HTML }, PAGE)
assert(marked(conn))
send(conn, ALICE, { "List-Id: <news.example.org>", HTML }, PAGE)
assert(untouched(conn))
send(conn, { sender = "<alice@example.org>" }, { "X-Campaign: x", HTML }, PAGE)
assert(untouched(conn))
send(conn, ALICE, { "X-Campaign: \228", HTML }, PAGE)
assert(marked(conn))
send(conn, ALICE, { "X-Campaign: " .. ("ä"):rep(101), HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
