-- SPDX-License-Identifier: BSD-2-Clause
-- Who did not log in may still be ours: by service or by network.
-- OPTION submission_daemons=OTHER ORIGINATING
-- OPTION submission_networks=198.51.100.0/24 2001:db8::/32
-- EVENT offer daemon=ORIGINATING mode=identified reason=done !user
-- EVENT mark
-- EVENT rcpt
-- EVENT offer client=198.51.100.9 reason=done
-- EVENT mark
-- EVENT rcpt
-- EVENT offer client=192.0.2.7 level=direction
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local conn = mt.connect(socket, 100, 0.05)
mt.macro(conn, SMFIC_CONNECT, "{daemon_name}", "ORIGINATING")
ok(mt.conninfo(conn, "client.example", "192.0.2.7"))
send(conn, { sender = "<alice@example.org>" }, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
conn = open("client.example", "198.51.100.9")
send(conn, { sender = "<alice@example.org>" }, { HTML }, PAGE)
assert(marked(conn))
mt.disconnect(conn)
conn = open()
send(conn, { sender = "<alice@example.org>" }, { HTML }, PAGE)
assert(untouched(conn))
mt.disconnect(conn)
