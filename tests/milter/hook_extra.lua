-- SPDX-License-Identifier: BSD-2-Clause
-- What a hook sees of the connection, the envelope and the header, told back.
-- HOOK function decide(m)
-- HOOK   local received = m:headers("Received")
-- HOOK   return { extra = { from = m.sender .. "/" .. m.client .. "/" ..
-- HOOK       m.client_name .. "/" .. m.helo .. "/" .. m.daemon,
-- HOOK     to = table.concat(m.recipients, "+"), declared = m.declared,
-- HOOK     received = #received .. received[2], all = #m:headers(),
-- HOOK     subject = m:header("subject"), ours = m.submitted } }
-- HOOK end
-- EVENT offer hook=done extra={"all":5,"declared":777,"from":"alice@example.org/192.0.2.7/client.example/client.example/mx","ours":false,"received":"2by_b","subject":"Two_lines","to":"bob@example.com+ben@example.com"}
-- EVENT rcpt
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = mt.connect(socket, 100, 0.05)
ok(mt.macro(conn, SMFIC_CONNECT, "{daemon_name}", "mx"))
ok(mt.conninfo(conn, "client.example", "192.0.2.7"))
send(conn, { sender = "<alice@example.org>", size = 777,
    rcpts = { "<bob@example.com>", "<ben@example.com>" } },
    { "Received: by_a", "SUBJECT: Two_lines", "received:\n by_b", "X-A:",
      HTML }, PAGE)
mt.disconnect(conn)
