-- Mailtrail: a policy hook for mailtrail-milter, to be adapted.
--
--     /etc/mailtrail/milter.conf:  hook = /etc/mailtrail/hook.lua
--
-- decide() is asked about each message at the end of its header. What it sees
-- and may answer is in docs/hook.md (and in mailtrail-milter(8), HOOK). Try a
-- change with `mailtrail-milter -t`; `systemctl reload mailtrail-milter` has
-- it read again. An error costs the hook's word, never the message.

-- A subject with one of these words is counted anonymously at most. Words are
-- in lower case, and compared as they stand in the header: a subject in
-- RFC 2047 encoding (=?utf-8?...) is not decoded.
local discreet = { "confidential", "personal", "vertraulich" }

-- Header that names the campaign a message belongs to.
local campaign_header = "X-Campaign"

local function is_discreet(m)
	local subject = (m:header("Subject") or ""):lower()
	for _, word in ipairs(discreet) do
		if subject:find(word, 1, true) then
			return true
		end
	end
	return false
end

-- Mail of a list goes to readers whom the sender does not know.
local function is_list(m)
	return m:header("List-Id") ~= nil or m:header("List-Post") ~= nil
end

-- At most a hundred characters of it, and only if it is clean UTF-8.
local function campaign_of(m)
	local name = m:header(campaign_header)
	if name == nil or not utf8.len(name) then
		return nil
	end
	local behind = utf8.offset(name, 101)
	return behind and name:sub(1, behind - 1) or name
end

function decide(m)
	if not m.submitted then
		return nil -- mail from outside is not marked anyway
	end
	local answer = { extra = { campaign = campaign_of(m) } }
	if is_list(m) then
		answer.mode = "off"
	elseif is_discreet(m) then
		answer.mode = "anonymous"
	end
	return answer
end
