# SPDX-License-Identifier: BSD-2-Clause
"""A private rspamd that does nothing but sign with DKIM, as a milter."""

import os

from .process import Process, free_port, user
from .signer import Signer

CONF = """\
options {{
  pidfile = "$RUNDIR/rspamd.pid";
  filters = "{filters}";
  tempdir = "{directory}";
  cache_file = "$DBDIR/symbols.cache";
  history_file = "$DBDIR/rspamd.history";
  dynamic_conf = "$DBDIR/rspamd_dynamic";
  stats_file = "$DBDIR/stats.ucl";
  rrd = "$DBDIR/rspamd.rrd";
  hs_cache_dir = "$DBDIR/";
  control_socket = "$DBDIR/rspamd.sock mode=0600";
  # Compiling the full list of public suffixes takes ten seconds.
  url_tld = "{directory}/tld";
  local_addrs = [ ];
  check_all_filters = false;
  dns {{
    # Nobody is asked anything: what is enabled needs no DNS.
    nameserver = ["127.0.0.1:1"];
    timeout = 0.1s;
    retransmits = 1;
  }}
}}
logging {{
  type = "console";
  level = "notice";
}}
actions {{
  reject = {reject};
}}
lua = "{directory}/rspamd.lua";
modules {{
  {modules}
}}
dkim_signing {{
  enabled = true;
  use_domain = "envelope";
  sign_authenticated = true;
  sign_local = true;
  allow_username_mismatch = true;
  allow_hdrfrom_mismatch = true;
  check_pubkey = false;
  use_redis = false;
  path = "{directory}/dkim.key";
  selector = "{selector}";
}}
{extra}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{port}";
  milter = yes;
  timeout = 60s;
  count = {count};
  upstream "local" {{
    default = yes;
    self_scan = yes;
  }}
}}
"""


class Rspamd(Signer):
    """Signs mail of authenticated and local senders for their domain."""

    canonicalization = "relaxed/relaxed"

    def __init__(self, lab, name="rspamd", selector="test", count=1,
                 modules=("dkim_signing",), lua="", extra="",
                 filters="dkim", reject=10000, account=None):
        run_as = account or user("_rspamd", "nobody")
        self.directory = lab.subdir(name, owner=run_as)
        self.port = free_port()
        self.selector = selector
        self.make_key(run_as)
        with open(os.path.join(self.directory, "rspamd.lua"), "w",
                  encoding="utf-8") as f:
            f.write(lua)
        with open(os.path.join(self.directory, "tld"), "w",
                  encoding="ascii") as f:
            f.write("com\nnet\norg\n")
        plugins = "/usr/share/rspamd/plugins"
        conf = os.path.join(self.directory, "rspamd.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(CONF.format(
                directory=self.directory, port=self.port, count=count,
                selector=selector, extra=extra, filters=filters,
                reject=reject,
                modules="\n  ".join(f'path = "{plugins}/{m}.lua";'
                                    for m in modules)))
        self.process = Process("rspamd", [
            "rspamd", "-f", "-c", conf,
            *[f"--var={v}={self.directory}" for v in (
                "LOCAL_CONFDIR", "CONFDIR", "DBDIR", "LOGDIR", "RUNDIR")]],
            self.directory, run_as=run_as)
        lab.add(self)
