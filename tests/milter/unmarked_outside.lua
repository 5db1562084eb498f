-- SPDX-License-Identifier: BSD-2-Clause
-- Mail from outside is recorded and left alone, its X-Mailtrail-Open too.
-- EVENT offer queue_id=4jWQqq1YRQz1cQdJ sender=stranger@else.example nrcpt=2 client=192.0.2.7 client_name=client.example helo=client.example message_id=1@else.example header_from=s@else.example mode=off level=direction reason=off !user !request !part
-- EVENT rcpt rcpt=bob@example.com !mode
-- EVENT rcpt rcpt=never@example.com !mode
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, { sender = "<stranger@else.example>",
    rcpts = { "<bob@example.com>", "<never@example.com>" } },
    { "Message-ID: <1@else.example>", 'From: "S, T" <s@else.example>',
      "X-Mailtrail-Open: yes", HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
