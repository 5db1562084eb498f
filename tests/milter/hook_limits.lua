-- SPDX-License-Identifier: BSD-2-Clause
-- Whatever a hook does, the message goes on as the policy has it.
-- HOOK local does = {}
-- HOOK function does.fail() local x = nil .. "a" end
-- HOOK function does.lie() return { modus = "off" } end
-- HOOK function does.loop() while true do end end
-- HOOK function does.catch()
-- HOOK   while true do pcall(does.loop) end
-- HOOK end
-- HOOK function does.eat()
-- HOOK   local t = {}
-- HOOK   while true do t[#t + 1] = ("x"):rep(1000) .. #t end
-- HOOK end
-- HOOK function does.match(m)
-- HOOK   return m:header("Subject"):match((".-"):rep(20) .. "!")
-- HOOK end
-- HOOK function does.work() log("it works") return { mode = "off" } end
-- HOOK function decide(m) return does[m:header("X-Do")](m) end
-- LOG ^<4>hook: [^ ]*hook.lua:2: attempt to concatenate a nil value; the message goes on without it queue_id='4jWQqq1YRQz1cQdJ'$
-- EVENT offer mode=identified reason=done hook=failed !extra
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=failed
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=limit
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=limit
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=limit
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=identified reason=done hook=limit
-- EVENT mark
-- EVENT rcpt
-- EVENT offer mode=off level=hook reason=off hook=done
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
local subject = "Subject: " .. string.rep("a", 200)
for _, what in ipairs { "fail", "lie", "loop", "catch", "eat", "match" } do
	send(conn, ALICE, { "X-Do: " .. what, subject, HTML }, PAGE)
	assert(marked(conn), what)
end
send(conn, ALICE, { "X-Do: work", HTML }, PAGE)
assert(untouched(conn))
logged("hook: log 'it works' queue_id='4jWQqq1YRQz1cQdJ'")
mt.disconnect(conn)
