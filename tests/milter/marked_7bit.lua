-- SPDX-License-Identifier: BSD-2-Clause
-- OPTION notice=This message tells its sender when it is displayed.
-- EVENT offer user=alice@example.org daemon=D size=160 mode=identified level=domain rule=example.org reason=done part=1 encoding=7bit charset=us-ascii mark_at=24 mailer=Test
-- EVENT mark token~[0-9a-f]{32} mode=identified
-- EVENT rcpt rcpt=bob@example.com
dofile(here .. "/dialogue.lua")
local conn = mt.connect(socket, 100, 0.05)
mt.macro(conn, SMFIC_CONNECT, "{daemon_name}", "D")
ok(mt.conninfo(conn, "[192.0.2.7]", "192.0.2.7"))
send(conn, ALICE, { "Message-ID: <1@example.org>",
    "Subject: Hello\n there", "User-Agent: Test", HTML }, PAGE)
assert(marked(conn))
assert(not mt.eom_check(conn, MT_BODYCHANGE, PAGE))
mt.disconnect(conn)
