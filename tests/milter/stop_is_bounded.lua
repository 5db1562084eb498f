-- SPDX-License-Identifier: BSD-2-Clause
-- A message that never ends is not waited for longer than asked.
-- OPTION stop_wait_ms=300
-- LOG stopping before messages=1 in work have ended; they go on unchanged
dofile(here .. "/dialogue.lua")
local conn = open()
envelope(conn, ALICE)
header(conn, { HTML })
body(conn, PAGE)
os.execute("kill -TERM " .. pid)
logged("stopping before")
