-- SPDX-License-Identifier: BSD-2-Clause
-- Words for the dialogues: each is one exchange with the milter.

QUEUE_ID = "4jWQqq1YRQz1cQdJ"

function open(name, address)
	local conn = mt.connect(socket, 100, 0.05)
	assert(conn ~= nil, "no connection")
	ok(mt.conninfo(conn, name or "client.example", address or "192.0.2.7"))
	return conn
end

-- Wait until the milter has taken its socket away: it is stopping.
function hidden()
	local path = socket:gsub("^unix:", "")
	for _ = 1, 500 do
		if not os.execute("test -S " .. path) then
			return
		end
		mt.sleep(0.02)
	end
	error("the milter does not stop")
end

-- Wait until the milter has logged a line with this text n times.
function logged(text, n)
	for _ = 1, 500 do
		local found, file = 0, io.open(dir .. "/log")
		for line in file:lines() do
			if line:find(text, 1, true) then
				found = found + 1
			end
		end
		file:close()
		if found >= (n or 1) then
			return
		end
		mt.sleep(0.02)
	end
	error("not logged: " .. text)
end

-- Have the milter read its configuration, and what belongs to it, again.
reloads = 0
function reload()
	reloads = reloads + 1
	os.execute("kill -USR1 " .. pid)
	logged("new messages are handled with it", reloads)
end

function ok(err)
	assert(err == nil, err)
end

-- m: user, sender, rcpts, size, daemon
function envelope(conn, m)
	local macros = { "i", m.queue_id or QUEUE_ID }
	if m.user ~= nil then
		macros[3], macros[4] = "{auth_authen}", m.user
	end
	ok(mt.helo(conn, "client.example"))
	ok(mt.macro(conn, SMFIC_MAIL, table.unpack(macros)))
	if m.size ~= nil then
		ok(mt.mailfrom(conn, m.sender, "SIZE=" .. m.size))
	else
		ok(mt.mailfrom(conn, m.sender))
	end
	for _, rcpt in ipairs(m.rcpts or { "<bob@example.com>" }) do
		ok(mt.rcptto(conn, rcpt))
	end
end

-- headers: "Name: value" texts
function header(conn, headers)
	for _, h in ipairs(headers) do
		local name, value = h:match("^([^:]*):(.*)$")
		ok(mt.header(conn, name, value))
	end
	ok(mt.eoh(conn))
end

function body(conn, text)
	ok(mt.bodystring(conn, text))
end

function finish(conn)
	ok(mt.eom(conn))
	assert(mt.getreply(conn) == SMFIR_CONTINUE,
	    "answer " .. mt.getreply(conn))
end

ALICE = { user = "alice@example.org", sender = "<alice@example.org>" }
HTML = "Content-Type: text/html; charset=us-ascii"
PAGE = "<html><body><p>Hello</p></body></html>\r\n"

function send(conn, m, headers, text)
	envelope(conn, m)
	header(conn, headers)
	if text ~= nil then body(conn, text) end
	finish(conn)
end

function marked(conn)
	return mt.eom_check(conn, MT_BODYCHANGE) and
	    mt.eom_check(conn, MT_HDRADD, "X-Mailtrail-Mark")
end

function untouched(conn)
	return not mt.eom_check(conn, MT_BODYCHANGE) and
	    not mt.eom_check(conn, MT_HDRADD) and
	    not mt.eom_check(conn, MT_HDRDELETE) and
	    not mt.eom_check(conn, MT_HDRCHANGE)
end
