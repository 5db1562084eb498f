-- SPDX-License-Identifier: BSD-2-Clause
-- Notice and pixel URL of the mailbox's own rule.
-- EVENT offer user=carl@example.org mode=anonymous level=mailbox rule=carl@example.org reason=done encoding=base64
-- EVENT mark mode=anonymous
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, { user = "carl@example.org", sender = "<carl@example.org>" },
    { "MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8",
      "Content-Transfer-Encoding: base64" },
    "PGh0bWw+PGJvZHk+PHA+SGVsbG88L3A+PC9ib2R5PjwvaHRtbD4NCg==\r\n")
assert(marked(conn))
mt.disconnect(conn)
