-- SPDX-License-Identifier: BSD-2-Clause
-- One refusal among the recipients, and nobody is tracked.
-- EVENT offer nrcpt=3 mode=off level=recipient rule=never@example.com reason=off
-- EVENT rcpt rcpt=a@anon.example mode=anonymous
-- EVENT rcpt rcpt=never@example.com mode=off rule=never@example.com
-- EVENT rcpt rcpt=bob@example.com !mode
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, { user = "alice@example.org", sender = "<alice@example.org>",
    rcpts = { "<a@anon.example>", "<never@example.com>",
	"<bob@example.com>" } }, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
