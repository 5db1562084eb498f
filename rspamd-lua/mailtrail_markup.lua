-- SPDX-License-Identifier: BSD-2-Clause
-- The plugin's other half: what mailtrail-milter does, in rspamd. Policy from
-- the snapshot, the pixel by byte offsets, and the events offer, mark and rcpt
-- with the milter's own fields. The order is the milter's, too: nothing is
-- marked unless the spool has taken offer and mark.
--
-- Returns a function of what mailtrail.lua hands over that returns the
-- prefilter.

local logger = require "rspamd_logger"

local REQUEST_HEADER = "X-Mailtrail-Open"
local MARK_HEADER = "X-Mailtrail-Mark"

return function(our)
  local handle, settings, text = our.handle, our.settings, our.text

  -- The values of all fields of a name: without line ends, else as sent.
  -- rspamd's own unfolding makes one blank of each fold.
  local function header_values(task, name)
    local values = {}

    for _, field in ipairs(task:get_header_full(name) or {}) do
      local value = tostring(field.raw or ""):match("^[^:]*:(.*)$") or
          tostring(field.value or "")
      values[#values + 1] =
          value:gsub("[\r\n]+", ""):match("^[ \t]*(.-)[ \t]*$")
    end
    return values
  end

  local function header(task, ...)
    for _, name in ipairs({ ... }) do
      local value = header_values(task, name)[1]
      if value then
        return text(value)
      end
    end
    return nil
  end

  local function inside_brackets(value)
    return value and text(value:match("<([^>]*)>") or value)
  end

  local function has_mark(task, message_id)
    for _, value in ipairs(header_values(task, MARK_HEADER)) do
      if handle:marked(value, message_id) then
        return true
      end
    end
    return false
  end

  local function addresses(list)
    local found = {}

    for i, one in ipairs(list) do
      found[i] = tostring(one.addr or "")
    end
    return found
  end

  -- Everything that is known of a message before it is marked.
  local function look(task)
    local m = {
      task = task,
      client = our.client_of(task),
      sender = our.sender_of(task) or "",
      user = text(task:get_user()),
      message_id = inside_brackets(header(task, "Message-ID")),
      requests = header_values(task, REQUEST_HEADER),
      rcpts = addresses(task:get_recipients({ "smtp", "orig" }) or {}),
    }
    local why

    m.submitted = our.submitted(task, m.client)
    m.decision, why = handle:policy({
      sender = m.sender, user = m.user, submitted = m.submitted,
    }, m.rcpts, m.requests)
    if not m.decision then
      error(why, 0)
    end
    if why then
      logger.warnx(task, "mailtrail: %s", why)
    end
    return m
  end

  local function notice_of(decision)
    return text(decision.notice or settings.notice)
  end

  local function notice_plain_of(decision)
    if decision.notice_plain then
      return decision.notice_plain == "yes"
    end
    return settings.notice_plain
  end

  -- Sets m.token, m.edits when it can be marked; m.found says what was found.
  local function mark(m)
    local decision, content = m.decision, m.task:get_content()
    local token, id, url

    token, id = handle:token(decision.mode)
    if not token then
      our.failed(m.task, id)
      return "key_missing"
    elseif has_mark(m.task, m.message_id) then
      return "already_marked"
    elseif not text(decision.pixel_url) then
      return "url_missing"
    elseif #content > settings.message_max then
      return "too_large"
    end
    url = decision.pixel_url:gsub("/+$", "") .. "/i/" .. token .. ".gif"
    m.edits, m.found = handle:markup(tostring(content), {
      url = url,
      notice = notice_of(decision),
      notice_plain = notice_plain_of(decision),
      quoted = (decision.quoted or settings.quoted) == "remove",
      max = settings.message_max,
    })
    if type(m.found) ~= "table" then
      our.failed(m.task, m.found)
      m.found = nil
      return "failed"
    end
    m.token, m.token_id = token, id
    return m.found.reason
  end

  local function offer(m)
    local task, d, found = m.task, m.decision, m.found or {}
    local name = text(task:get_hostname())

    return {
      sender = m.sender,
      nrcpt = #m.rcpts,
      user = m.user,
      client = m.client and tostring(m.client),
      client_name = name ~= "unknown" and name or nil,
      helo = text(task:get_helo()),
      daemon = text(task:get_request_header("MTA-Name")),
      size = our.count(task:get_size()),
      message_id = m.message_id,
      header_from = our.address(task:get_from({ "mime", "orig" })),
      subject = header(task, "Subject"),
      in_reply_to = inside_brackets(header(task, "In-Reply-To")),
      mailer = header(task, "User-Agent", "X-Mailer"),
      mode = d.mode,
      level = d.level,
      rule = d.rule,
      request = m.submitted and d.request or nil,
      reason = m.reason,
      part = found.part,
      encoding = found.encoding,
      charset = found.charset,
      mark_at = m.edits and found.at,
      quoted = m.edits and found.quoted,
    }
  end

  -- Offer, mark, recipients; true when the spool has those that count.
  local function record(m)
    local at, queue_id = our.time_of(m.task), m.task:get_queue_id()
    local list = { { "offer", offer(m) } }
    local good, why, taken

    if m.edits then
      list[2] = { "mark", { token = m.token_id, mode = m.decision.mode } }
    end
    local needed = #list
    for i, rcpt in ipairs(m.rcpts) do
      local said = m.decision.rcpts[i] or {}
      list[#list + 1] = { "rcpt",
        { rcpt = rcpt, mode = said.mode, rule = said.rule } }
    end
    for _, event in ipairs(list) do
      event[2].at, event[2].queue_id = at, queue_id
    end
    good, why, taken = handle:put_all(list)
    if not good then
      our.failed(m.task, why)
    end
    return good or taken >= needed
  end

  -- The message in pieces that borrow from content, and insertions.
  local function pieces_of(content, edits)
    local pieces, at = {}, 0

    for _, edit in ipairs(edits) do
      if edit.at > at then
        pieces[#pieces + 1] = content:span(at + 1, edit.at - at)
      end
      if #edit.insert > 0 then
        pieces[#pieces + 1] = edit.insert
      end
      at = edit.at + edit.remove
    end
    if at < #content then
      pieces[#pieces + 1] = content:span(at + 1, #content - at)
    end
    return pieces
  end

  local function apply(m)
    local task, content = m.task, m.task:get_content()
    local value = handle:mark(m.token, m.message_id)

    if not value or not task:set_message(pieces_of(content, m.edits)) then
      -- rspamd could not read what we made: as it was, then.
      task:set_message(content)
      return false
    end
    task:set_milter_reply({ add_headers = { [MARK_HEADER] = value } })
    return true
  end

  local function handle_message(task)
    local m = look(task)

    m.reason = m.decision.mode == "off" and "off" or mark(m)
    if record(m) and m.edits and not apply(m) then
      our.failed(task, "rspamd did not take the marked message")
    end
    if m.submitted and #m.requests > 0 then
      task:set_milter_reply({ remove_headers = { [REQUEST_HEADER] = 0 } })
    end
  end

  -- Not from a mail server that takes changes, refused already, or nobody's
  -- business; else it is marked or left alone.
  return function(task)
    local decided, action = task:has_pre_result()

    if not task:has_flag("milter") or task:has_flag("no_log") or
        not text(task:get_queue_id()) or
        decided and action ~= "no action" and action ~= "accept" then
      return
    end
    local good, why = pcall(handle_message, task)
    if not good then
      our.failed(task, why)
    end
  end
end
