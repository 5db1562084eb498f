-- SPDX-License-Identifier: BSD-2-Clause
-- What tests/flow/test_bridge.py does with the bridge, in each Lua. By
-- environment, since rspamadm hands no arguments on: MT_BRIDGE the module,
-- MT_DO what to do, MT_DIR a directory.

local bridge = assert(package.loadlib(os.getenv("MT_BRIDGE"),
    "luaopen_mailtrail_bridge"))()
local dir = os.getenv("MT_DIR")
local handle = assert(bridge.open({
  spool_dir = dir .. "/spool", host = "mx.example.org",
  token_keys = dir .. "/token.keys",
  policy_snapshot = dir .. "/policy.snapshot",
  pixel_url = "https://open.example.org",
}))

local function read(path)
  local f = assert(io.open(path, "rb"))
  local data = f:read("*a")
  f:close()
  return data
end

local function write(path, data)
  local f = assert(io.open(path, "wb"))
  f:write(data)
  f:close()
end

-- A value of each type, and the text that the event then has.
local values = {
  text = function(field)
    local text = ("Gr\195\188\195\159e " .. field.name):sub(1, field.max)
    return text, text
  end,
  number = function(field)
    local n = math.min(field.max or 1234567890, 1234567890)
    return n, string.format("%d", n)
  end,
  ["decimal number"] = function() return -12.5, "-12.5" end,
  time = function() return 1795876800.25, "2026-11-28T14:40:00.250000Z" end,
  address = function() return "2001:db8::1", "2001:db8::1" end,
  word = function(field)
    local word = field.words[#field.words]
    return word, word
  end,
}

local tasks = {}

-- Every field of every event; what it must be read back as, on standard output.
function tasks.every()
  local names, batch = {}, {}

  for name in pairs(bridge.events()) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local event = {}
    for _, field in ipairs(bridge.events()[name]) do
      local value, text = values[field.type](field)
      event[field.name] = value
      print(name .. "\t" .. field.name .. "\t" .. text)
    end
    if i % 2 == 0 then
      assert(handle:put(name, event))
    else
      batch[#batch + 1] = { name, event }
    end
  end
  assert(handle:put_all(batch))
end

-- Only what must be given; host and twin are the bridge's own to fill in.
function tasks.least()
  for name, fields in pairs(bridge.events()) do
    local event = {}
    for _, field in ipairs(fields) do
      if field.required and field.name ~= "host" and field.name ~= "twin" then
        event[field.name] = values[field.type](field)
      end
    end
    assert(handle:put(name, event))
    for left_out in pairs(event) do
      local rest = {}
      for k, v in pairs(event) do
        rest[k] = k ~= left_out and v or nil
      end
      local good, why = handle:put(name, rest)
      assert(not good and why == name .. ": " .. left_out .. ": missing", why)
    end
  end
end

-- Calls that are wrong, one a line of DIR/wrong: what is said of them.
function tasks.wrong()
  local env = setmetatable({ bridge = bridge, handle = handle, huge = 1 / 0,
    scan = function(more)
      local event = { at = 1795876800, queue_id = "q", action = "reject",
        score = 1, required = 2 }
      for k, v in pairs(more) do
        event[k] = v
      end
      return handle:put("scan", event)
    end }, { __index = _G })
  for line in io.lines(dir .. "/wrong") do
    local chunk
    if setfenv then
      chunk = setfenv(assert(loadstring("return " .. line)), env)
    else
      chunk = assert(load("return " .. line, "line", "t", env))
    end
    local called, good, why = pcall(chunk)
    print(tostring(called) .. "\t" .. tostring(good) .. "\t" .. tostring(why))
  end
end

-- Each file named in DIR/list, marked, to DIR/out/<number>; and its reason.
function tasks.markup()
  local n = 0

  for path in io.lines(dir .. "/list") do
    local message, pieces, at = read(path), {}, 0
    local edits, found = handle:markup(message,
        { url = "https://open.example.org/i/AbCdEf.gif",
          notice = "We see it.", notice_plain = true, quoted = true })
    assert((edits ~= nil) == (found.reason == "done"), path)
    for _, edit in ipairs(edits or {}) do
      pieces[#pieces + 1] = message:sub(at + 1, edit.at)
      pieces[#pieces + 1] = edit.insert
      at = edit.at + edit.remove
    end
    pieces[#pieces + 1] = message:sub(at + 1)
    n = n + 1
    write(dir .. "/out/" .. n, table.concat(pieces))
    print(found.reason)
  end
end

-- Policy and tokens, as lines.
function tasks.policy()
  local function show(...)
    local d, why = handle:policy(...)
    local line = { d.mode, d.level, d.rule or "-", d.request or "-",
      d.notice or "-", d.pixel_url or "-", d.quoted or "-",
      d.notice_plain or "-" }
    for _, rcpt in ipairs(d.rcpts) do
      line[#line + 1] = (rcpt.mode or "-") .. "," .. (rcpt.rule or "-")
    end
    print(table.concat(line, " ") .. (why and " " .. why or ""))
  end
  local alice = { sender = "alice@example.org", submitted = true }

  show(alice, { "bob@example.com" })
  show(alice, { "bob@example.com", "never@example.com" })
  show(alice, { "x@anon.example" }, { "yes" })
  show(alice, {}, { "yes", "anonymous", "yes" })
  show({ sender = "alice@example.org", submitted = false }, {})
  show({ sender = "carl@example.org", submitted = true }, {})
  show({ sender = "dora@example.org", submitted = true }, {})
  show({ sender = "", user = "dora@example.org", submitted = true })
  local token, id = handle:token("pseudonymous")
  local value = handle:mark(token, "a@example.org")
  print(token, id, value)
  print(handle:marked(value, "a@example.org"),
      (handle:marked(value, "b@example.org")),
      (handle:marked(value:gsub("^.", "x"), "a@example.org")))
end

tasks[os.getenv("MT_DO")]()
handle:close()
