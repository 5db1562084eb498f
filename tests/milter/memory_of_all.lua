-- SPDX-License-Identifier: BSD-2-Clause
-- What all bodies in work may take is bounded, and given back.
-- OPTION memory_max=1k
-- EVENT offer reason=too_large message_id=2@example.org
-- EVENT rcpt
-- EVENT offer reason=done message_id=1@example.org
-- EVENT mark
-- EVENT rcpt
-- EVENT offer reason=done message_id=3@example.org
-- EVENT mark
-- EVENT rcpt
dofile(here .. "/dialogue.lua")
local one, two = open(), open()
local page = PAGE .. string.rep("x", 200) .. "\r\n"
envelope(one, ALICE)
header(one, { "Message-ID: <1@example.org>", HTML })
body(one, page)
send(two, ALICE, { "Message-ID: <2@example.org>", HTML }, page)
assert(untouched(two))
finish(one)
assert(marked(one))
send(two, ALICE, { "Message-ID: <3@example.org>", HTML }, page)
assert(marked(two))
mt.disconnect(one)
mt.disconnect(two)
