-- SPDX-License-Identifier: BSD-2-Clause
-- An aborted message leaves nothing, at any stage; the next is whole.
-- EVENT offer sender=alice@example.org nrcpt=1 message_id=2@example.org reason=done
-- EVENT mark
-- EVENT rcpt rcpt=bob@example.com
dofile(here .. "/dialogue.lua")
local conn = open()
envelope(conn, { user = "carl@example.org", sender = "<carl@example.org>",
    rcpts = { "<a@b.example>", "<never@example.com>" } })
ok(mt.abort(conn))
envelope(conn, { user = "carl@example.org", sender = "<carl@example.org>" })
header(conn, { "Message-ID: <1@example.org>", "X-Mailtrail-Open: no",
    "DKIM-Signature: v=1", HTML })
ok(mt.abort(conn))
envelope(conn, ALICE)
header(conn, { "Message-ID: <1@example.org>", HTML })
body(conn, PAGE)
ok(mt.abort(conn))
send(conn, ALICE, { "Message-ID: <2@example.org>", HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
