-- SPDX-License-Identifier: BSD-2-Clause
-- Many connections at once: each message gets the answer that is its own.
-- HOOK function decide(m)
-- HOOK   assert(not before)
-- HOOK   before = true
-- HOOK   local s = ("x"):rep(1000)
-- HOOK   for i = 1, 100 do s = s:gsub("x", "x", 1) end
-- HOOK   return { extra = { user = m.user } }
-- HOOK end
-- EACH 200 offer .* user=([a-j])@example.org .* extra={"user":"\1@example.org"}
-- EACH 200 mark .* mode=identified
-- EACH 200 rcpt .*
if crowd == nil then
	assert(os.execute((([[
		pids=
		for user in a b c d e f g h i j; do
			miltertest -s $here/hook_crowd.lua -D crowd=$user \
			    -D socket=$socket -D here=$here &
			pids="$pids $!"
		done
		for pid in $pids; do wait $pid || exit 1; done]])
	    :gsub("$here", here):gsub("$socket", socket))))
	return
end
dofile(here .. "/dialogue.lua")
local conn = open()
local address = crowd .. "@example.org"
for _ = 1, 20 do
	send(conn, { user = address, sender = "<" .. address .. ">" },
	    { HTML }, PAGE)
	assert(marked(conn))
end
mt.disconnect(conn)
