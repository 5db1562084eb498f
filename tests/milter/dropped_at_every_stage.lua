-- SPDX-License-Identifier: BSD-2-Clause
-- A client that goes away leaves nothing, wherever it was.
-- EVENT offer reason=done
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local stages = {
	function(c) end,
	function(c) ok(mt.helo(c, "x")) end,
	function(c) ok(mt.mailfrom(c, "<alice@example.org>")) end,
	function(c) envelope(c, ALICE) end,
	function(c) envelope(c, ALICE); ok(mt.header(c, "A", " b")) end,
	function(c) envelope(c, ALICE); header(c, { HTML }) end,
	function(c) envelope(c, ALICE); header(c, { HTML }); body(c, PAGE) end,
}
for _, polite in ipairs({ true, false }) do
	for _, stage in ipairs(stages) do
		local conn = open()
		stage(conn)
		mt.disconnect(conn, polite)
	end
end
local conn = open()
send(conn, ALICE, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
