# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix: own main.cf and master.cf, queue, log and ports.

Needs root, as Postfix does. Each smtpd port is a dict entry name -> user: a
client of a port with a user looks authenticated as that user to milters
(milter_macro_defaults), a client of a port with None does not.
"""

import os
import re

from .process import Process, answers, free_port, run, wait_for

PROGRAMS = "/usr/lib/postfix/sbin"

MAIN_CF = """\
compatibility_level = 3.7
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = {programs}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {directory}/mail.log
maillog_file_prefixes = {directory}
multi_instance_enable = no
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {hostname}
myorigin = $myhostname
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = check_client_access static:OK, reject
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
default_transport = {transport}
relay_transport = $default_transport
alias_maps =
alias_database =
local_recipient_maps =
enable_long_queue_ids = yes
minimal_backoff_time = 2s
maximal_backoff_time = 5s
queue_run_delay = 2s
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_tls_security_level = none
service_throttle_time = 1s
notify_classes =
milter_protocol = 6
milter_default_action = accept
smtpd_milters = {milters}
non_smtpd_milters = $smtpd_milters
"""

MASTER_CF = """\
cleanup    unix  n       -       n       -       0       cleanup
pickup     unix  n       -       n       60      1       pickup
qmgr       unix  n       -       n       300     1       qmgr
tlsmgr     unix  -       -       n       1000?   1       tlsmgr
rewrite    unix  -       -       n       -       -       trivial-rewrite
bounce     unix  -       -       n       -       0       bounce
defer      unix  -       -       n       -       0       bounce
trace      unix  -       -       n       -       0       bounce
verify     unix  -       -       n       -       1       verify
flush      unix  n       -       n       1000?   0       flush
proxymap   unix  -       -       n       -       -       proxymap
smtp       unix  -       -       n       -       -       smtp
relay      unix  -       -       n       -       -       smtp
showq      unix  n       -       n       -       -       showq
error      unix  -       -       n       -       -       error
retry      unix  -       -       n       -       -       error
discard    unix  -       -       n       -       -       discard
anvil      unix  -       -       n       -       1       anvil
scache     unix  -       -       n       -       1       scache
postlog    unix-dgram n  -       n       -       1       postlogd
"""

# smtpd asks milters until the end of DATA, cleanup from there on; each reads
# milter_macro_defaults of its own, so each port has its own cleanup.
PORT_CF = """\
127.0.0.1:{port} inet n  -       n       -       -       smtpd
  -o syslog_name=postfix/{name}
  -o milter_macro_daemon_name={daemon}
  -o {{ milter_macro_defaults = {defaults} }}
  -o cleanup_service_name=cleanup-{name}
{options}cleanup-{name} unix n    -       n       -       0       cleanup
  -o {{ milter_macro_defaults = {defaults} }}
"""


def milter(socket, **settings):
    """One smtpd_milters entry as conf/postfix has it, for a Unix socket."""
    values = {"connect_timeout": "5s", "command_timeout": "5s",
              "content_timeout": "30s", "default_action": "accept"}
    values.update(settings)
    listed = ", ".join(f"{k}={v}" for k, v in values.items())
    return f"{{ unix:{socket}, {listed} }}"


class Postfix:
    """master(8) in the foreground of a directory of its own."""

    def __init__(self, lab, name="postfix", sink=None, milters=(),
                 ports=None, hostname="mx.example.org", settings=None,
                 services="", port_options=None):
        """services: more lines of master.cf; port_options: what the smtpd of
        a port is told beside (a list of "name=value"), by the port's name.
        """
        self.directory = lab.subdir(name)
        self.conf = os.path.join(self.directory, "conf")
        self.ports = {}
        self.milters = list(milters)
        ports = ports or {"submission": "alice@example.org", "mx": None}
        os.makedirs(self.conf, exist_ok=True)
        os.makedirs(os.path.join(self.directory, "queue"), exist_ok=True)
        transport = f"smtp:[127.0.0.1]:{sink}" if sink else "discard:"
        master = MASTER_CF
        for port_name, user in ports.items():
            self.ports[port_name] = free_port()
            master += PORT_CF.format(
                port=self.ports[port_name], name=port_name,
                daemon="ORIGINATING" if user else hostname,
                defaults=f"auth_authen={user}, auth_type=PLAIN"
                if user else "",
                options="".join(
                    f"  -o {{ {o} }}\n"
                    for o in (port_options or {}).get(port_name, ())))
        with open(os.path.join(self.conf, "main.cf"), "w",
                  encoding="ascii") as f:
            text = MAIN_CF.format(
                directory=self.directory, programs=PROGRAMS,
                hostname=hostname, transport=transport,
                milters=", ".join(self.milters))
            settings = settings or {}
            # Postfix warns, often, of what is set twice.
            f.writelines(line for line in text.splitlines(True)
                         if line.partition(" =")[0] not in settings)
            for key, value in settings.items():
                f.write(f"{key} = {value}\n")
        with open(os.path.join(self.conf, "master.cf"), "w",
                  encoding="ascii") as f:
            f.write(master + services)
        # Not "postfix start-fg": that leaves a shell between us and master.
        self.process = Process("postfix", [
            f"{PROGRAMS}/master", "-c", self.conf, "-s"], self.directory)
        lab.add(self)

    @property
    def port(self):
        """The first port: authenticated submission unless told otherwise."""
        return next(iter(self.ports.values()))

    def start(self):
        run(["postfix", "-c", self.conf, "check"])  # makes the queue
        # Some tests have a port that refuses everybody.
        self.process.start(lambda: all(
            any(answers(("127.0.0.1", p), g) for g in (b"220 ", b"554 "))
            for p in self.ports.values()))
        return self

    def stop(self):
        return self.process.stop()

    def set(self, **settings):
        """Change main.cf and have every daemon read it anew."""
        run(["postconf", "-c", self.conf, "-e",
             *[f"{k} = {v}" for k, v in settings.items()]])
        run(["postfix", "-c", self.conf, "reload"])

    def log(self):
        try:
            with open(os.path.join(self.directory, "mail.log"),
                      encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def queue(self):
        """The ids of the messages still in it."""
        listing = run(["postqueue", "-c", self.conf, "-j"]).stdout
        return re.findall(r'"queue_id": "([^"]+)"', listing)

    def flush(self):
        run(["postqueue", "-c", self.conf, "-f"])

    def wait_empty(self, timeout=60.0):
        """Until every message is delivered or bounced."""
        wait_for(lambda: not self.queue(), timeout, "an empty queue",
                 interval=0.1)

    def sendmail(self, data, sender, recipients):
        """By sendmail(1): pickup, hence non_smtpd_milters."""
        run(["sendmail", "-C", self.conf, "-i", "-f", sender, *recipients],
            input=data)
