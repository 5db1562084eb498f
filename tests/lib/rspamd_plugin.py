# SPDX-License-Identifier: BSD-2-Clause
"""The private rspamd with our plugin, a spool, keys and a policy."""

import os
import shutil

from . import spool
from .process import run, user
from .rspamd import Rspamd

# As conf/rspamd/local.d/rspamd.lua, with the plugin of a build.
LOAD = """
local good, why = pcall(dofile, "{plugin}")
if not good then
  require("rspamd_logger").errx(rspamd_config, "mailtrail: %s", why)
end
"""


def settings_text(settings):
    """UCL of plain values."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, list):
            value = "[" + ", ".join(f'"{v}"' for v in value) + "]"
        elif isinstance(value, str):
            value = f'"{value}"'
        lines.append(f"{name} = {value};\n")
    return "".join(lines)


def bridge(build, lua="luajit"):
    """The module for that Lua, of the build's tree."""
    return os.path.join(build, "rspamd-lua", lua, "mailtrail_bridge.so")


# Rules of rspamd's own that ask nobody: they make a score.
RULES = """
for _, name in ipairs({ "headers_checks", "subject_checks" }) do
  dofile("/usr/share/rspamd/rules/" .. name .. ".lua")
end
"""


def reachable(build, place):
    """Copies of plugin and bridge where rspamd's user reaches them, wherever
    the build is."""
    plugin = shutil.copy(
        os.path.join(build, "rspamd-lua/mailtrail.lua"), place)
    shutil.copy(
        os.path.join(build, "rspamd-lua/mailtrail_markup.lua"), place)
    return plugin, shutil.copy(bridge(build), place)


class SeeingRspamd(Rspamd):
    """Signs, judges by a few rules, and records its verdicts in a spool that
    is the mail host's. account: who it runs as, instead of rspamd's user."""

    def __init__(self, lab, build, spool_dir, host, name="rspamd",
                 account=None):
        build, place = os.fspath(build), lab.subdir(name)
        plugin, module = reachable(build, place)
        super().__init__(lab, name, reject=15,
                         lua=RULES + LOAD.format(plugin=plugin),
                         account=account)
        run_as = account or user("_rspamd", "nobody")
        if run_as is not None:
            shutil.chown(spool_dir, group=run_as.pw_gid)
        directory = os.path.join(self.directory, "local.d")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "mailtrail.conf"), "w",
                  encoding="utf-8") as f:
            f.write(settings_text({"bridge": module, "host": host,
                                   "spool_dir": spool_dir}))


class PluggedRspamd(Rspamd):
    """Policy and keys are those of tests/milter/milter_lab.c."""

    def __init__(self, lab, build, name="rspamd", settings=None, lua="",
                 **rspamd_args):
        run_as = user("_rspamd", "nobody")
        build = os.fspath(build)
        place = lab.subdir(name, owner=run_as)
        self.spool = lab.subdir(f"{name}/spool", owner=run_as)
        plugin, module = reachable(build, place)
        run([os.path.join(build, "tests/milter/milter_lab"), "make", place])
        for made in ("token.keys", "policy.snapshot"):
            if run_as is not None:
                shutil.chown(os.path.join(place, made), group=run_as.pw_gid)
        self.values = {
            "bridge": module, "host": "mx.example.org",
            "spool_dir": self.spool,
            "pixel_url": "https://open.example.org",
            "token_keys": os.path.join(place, "token.keys"),
            "policy_snapshot": os.path.join(place, "policy.snapshot"),
            **(settings or {})}
        os.makedirs(os.path.join(place, "local.d"), exist_ok=True)
        with open(os.path.join(place, "local.d", "mailtrail.conf"), "w",
                  encoding="utf-8") as f:
            f.write(settings_text(self.values))
        super().__init__(lab, name, lua=lua + LOAD.format(plugin=plugin),
                         **rspamd_args)

    def events(self, kind=None):
        return [e for e in spool.events(self.spool)
                if kind is None or e["t"] == kind]

    def said(self):
        """What our plugin logged."""
        return [line for line in self.process.text().splitlines()
                if "mailtrail" in line]
