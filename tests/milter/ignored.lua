-- SPDX-License-Identifier: BSD-2-Clause
-- Who is to leave no trace, leaves none; others of the same message do.
-- OPTION ignore_addresses=monitor@example.org @probe.example
-- EVENT offer sender=alice@example.org nrcpt=2 reason=done
-- EVENT mark
-- EVENT rcpt rcpt=bob@example.com
dofile(here .. "/dialogue.lua")
local conn = open()
-- A sender, in whatever case.
send(conn, { user = "alice@example.org", sender = "<Monitor@Example.ORG>" },
    { HTML }, PAGE)
assert(untouched(conn))
-- Every recipient.
send(conn, { user = "alice@example.org", sender = "<alice@example.org>",
    rcpts = { "<a@probe.example>", "<b@Probe.Example>" } }, { HTML }, PAGE)
assert(untouched(conn))
-- One of them.
send(conn, { user = "alice@example.org", sender = "<alice@example.org>",
    rcpts = { "<a@probe.example>", "<bob@example.com>" } }, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
