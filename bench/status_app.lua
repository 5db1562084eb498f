-- SPDX-License-Identifier: BSD-2-Clause
-- A yardstick: what the mailcow status-app's prefilter does to a message, by
-- its description: for authenticated mail with a sender it asks an HTTP map
-- whether the mailbox is tracked, and if so appends a pixel to the HTML parts
-- and a link to the plain ones, and sets the message anew. @MAP@ and @URL@
-- are filled in by bench/rows/inject.py.

local rspamd_http = require "rspamd_http"
local lua_mime = require "lua_mime"
local ucl = require "ucl"

local function hex(text)
  return (text:gsub(".", function(c) return string.format("%02X", c:byte()) end))
end

-- The message's own header, but for a type and encoding that became others.
local function rebuild(task, rewrite)
  local out, newline = {}, rewrite.newline_s or "\r\n"
  local cte_seen = false

  task:headers_foreach(function(name, header)
    local lower = name:lower()
    if rewrite.need_rewrite_ct and lower == "content-type" then
      local ct = rewrite.new_ct
      out[#out + 1] = { "Content-Type: " .. ct.type .. "/" .. ct.subtype ..
          "; charset=utf-8" .. newline, false }
    elseif rewrite.need_rewrite_ct and
        lower == "content-transfer-encoding" then
      out[#out + 1] = { "Content-Transfer-Encoding: " ..
          (rewrite.new_cte or "quoted-printable") .. newline, false }
      cte_seen = true
    else
      out[#out + 1] = { header.raw:gsub("[\r\n]+$", "") .. newline, false }
    end
  end, { full = true })
  if rewrite.need_rewrite_ct and not cte_seen then
    out[#out + 1] = { "Content-Transfer-Encoding: " ..
        (rewrite.new_cte or "quoted-printable") .. newline, false }
  end
  out[#out + 1] = { newline, false }
  for _, piece in ipairs(rewrite.out) do
    out[#out + 1] = piece
  end

  local text = {}
  for _, piece in ipairs(out) do
    if type(piece) ~= "table" then
      text[#text + 1] = piece
      text[#text + 1] = newline
    else
      text[#text + 1] = piece[1]
      if piece[2] then
        text[#text + 1] = newline
      end
    end
  end
  return text
end

local function inject(task)
  local token = hex(task:get_queue_id() .. "|" .. task:get_message_id())
  local url = string.format("@URL@/track.php?msg=%s", token)
  local html = string.format(
      '<img src="%s" width="1" height="1" alt="tracking pixel" />', url)
  local plain = string.format(
      "Visit %s to anonymously notify the sender you have opened this message.",
      url)
  local rewrite = lua_mime.add_text_footer(task, html, plain)

  if rewrite and rewrite.out then
    task:set_message(rebuild(task, rewrite))
  end
end

rspamd_config:register_symbol({
  name = "OPEN_TRACK",
  type = "prefilter",
  priority = 2,
  callback = function(task)
    local from = task:get_from("smtp")
    local user = task:get_user()

    if not from or not from[1] or not user then
      return
    end
    rspamd_http.request({
      url = "@MAP@",
      task = task,
      headers = { Domain = from[1].domain, Username = user,
        From = from[1].addr },
      callback = function(err, code, body)
        if err or code ~= 200 then
          return
        end
        local parser = ucl.parser()
        if parser:parse_string(tostring(body)) and
            parser:get_object().result then
          inject(task)
        end
      end,
    })
  end,
})
