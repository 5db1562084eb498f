-- SPDX-License-Identifier: BSD-2-Clause
-- EVENT offer reason=done encoding=quoted-printable charset=utf-8 part=2
-- EVENT mark mode=anonymous
-- EVENT rcpt rcpt=x@anon.example mode=anonymous rule=@anon.example
dofile(here .. "/dialogue.lua")
local conn = open()
send(conn, { user = "alice@example.org", sender = "<alice@example.org>",
    rcpts = { "<x@anon.example>" } },
    { "MIME-Version: 1.0",
      "Content-Type: multipart/alternative;\n\tboundary=\"b=1\"" },
    "--b=1\r\nContent-Type: text/plain\r\n\r\nHello\r\n" ..
    "--b=1\r\nContent-Type: text/html; charset=utf-8\r\n" ..
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n" ..
    "<p>H=C3=A4llo =\r\nW=C3=B6rld</p>\r\n--b=1--\r\n")
assert(marked(conn))
mt.disconnect(conn)
