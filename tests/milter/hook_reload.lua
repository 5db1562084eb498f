-- SPDX-License-Identifier: BSD-2-Clause
-- A hook that cannot be read costs its word, at start and at reload; SIGUSR1
-- reads it again, also in the middle of a message.
-- HOOK function decide(m)
-- HOOK   return {{
-- HOOK end
-- LOG ^<3>hook: [^ ]*hook.lua:3: unexpected symbol near 'end'; mail goes on without it$
-- LOG ^<3>hook: [^ ]*hook.lua:3: <eof> expected near 'end'; mail goes on without it$
-- EVENT offer mode=identified reason=done hook=failed
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=failed
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=off level=hook reason=off hook=done
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=failed
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local function write(text)
	local file = assert(io.open(dir .. "/hook.lua", "w"))
	file:write(text)
	file:close()
end
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
envelope(conn, ALICE)
header(conn, { HTML })
body(conn, PAGE) -- the first that is answered: the milter has come this far
write("function decide(m) return { mode = 'off' } end")
reload()
finish(conn)
assert(marked(conn))
send(conn, ALICE, { HTML }, PAGE)
assert(untouched(conn))
write("\n\nend")
reload()
logged("hook.lua:3: <eof> expected near 'end'; mail goes on without it")
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
