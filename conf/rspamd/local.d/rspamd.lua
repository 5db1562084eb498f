-- SPDX-License-Identifier: BSD-2-Clause
-- One line for /etc/rspamd/local.d/rspamd.lua (mailcow:
-- data/conf/rspamd/local.d/rspamd.lua). A plugin that is not there, or broken,
-- costs rspamd nothing but this log line.
local good, why = pcall(dofile, "/usr/share/mailtrail/rspamd/mailtrail.lua")
if not good then
  require("rspamd_logger").errx(rspamd_config, "mailtrail: %s", why)
end
