-- SPDX-License-Identifier: BSD-2-Clause
-- Bytes that are not UTF-8 become escapes in the trail and change nothing.
-- EVENT offer sender=al\xefce@example.org subject=H\xe4llo reason=done helo=client.example
-- EVENT mark
-- EVENT rcpt rcpt=b\xffb@example.com
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, { user = "alice@example.org", sender = "<al\xefce@example.org>",
    rcpts = { "<b\xffb@example.com>" } },
    { "Subject: H\xe4llo", "From: \xe4 <\xff", HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
