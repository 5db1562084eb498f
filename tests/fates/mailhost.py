# SPDX-License-Identifier: BSD-2-Clause
"""A Postfix on which anything can happen to a message, and what stands around
it: receivers, Dovecot, local mailboxes, a pipe, rspamd.

Which of it happens, a message says itself: by the first word of its sender's
or recipient's local part, by its domain, its HELO name or a header of it.
plan.py has the words.
"""

import email.parser
import email.policy
import json
import os
import signal

from tests.lib.dovecot import Dovecot
from tests.lib.postfix import Postfix
from tests.lib.process import free_port, run, user
from tests.lib.rspamd import Rspamd

from .receiver import Receiver

HOST = "mx.example.org"

SERVICES = """\
again      unix  -       -       n       -       -       smtp
  -o smtp_send_xforward_command=yes
soft       unix  -       -       n       -       -       smtp
  -o soft_bounce=yes
dovecot    unix  -       -       n       -       -       lmtp
virtual    unix  -       n       n       -       -       virtual
local      unix  -       n       n       -       -       local
recorder   unix  -       n       n       -       10      pipe
  flags=Rq user=nobody argv={directory}/recorder ${{recipient}}
"""

# Ends as a mail program would: 67 is "no such user", 75 "try again".
RECORDER = """\
#!/bin/sh
to=${{1:-$ORIGINAL_RECIPIENT}}
fate=$(sed -n 's/^X-Fate: *//p;/^$/q')
case $to in
bounce[.+]*)
	echo "no such user here"
	exit 67 ;;
defer[.+]*)
	if mkdir "{directory}/kept/tried.$fate.$to" 2>/dev/null; then
		echo "try again"
		exit 75
	fi ;;
esac
echo "$fate $to" >>{directory}/kept/record
"""

RSPAMD_LUA = """\
rspamd_config:register_symbol({
  name = 'FATE', type = 'prefilter', callback = function(task)
    local action = task:get_header('X-Fate-Scan')
    if action then
      task:set_pre_result(action, 'as the message asks')
    end
  end })
"""

# Actions without a score, which only a rule can take.
RSPAMD_ACTIONS = """\
actions {
  discard { flags = ["no_threshold"]; }
  quarantine { flags = ["no_threshold"]; }
  "soft reject" { flags = ["no_threshold"]; }
}
"""

# (what the sender's local part begins with, what access(5) says), at the
# stage of the dialogue that the table is for.
SENDERS = {
    "mail": (("mail5", "550 5.7.1 no mail from you"),
             ("mail4", "450 4.7.1 not from you now")),
    "rcpt": (("hold", "HOLD kept for a look"),
             ("drop", "DISCARD thrown away"),
             ("redirect", "REDIRECT ok.$1.r@sink.test"),
             ("bcc", "BCC ok.$1.b@sink.test"),
             ("filter", "FILTER again:[127.0.0.1]:{again}"),
             ("warn", "WARN have a look"),
             ("prepend", "PREPEND X-Prepended: yes")),
    "data": (("data5", "554 5.7.1 no data from you"),
             ("data4", "451 4.7.1 no data from you now")),
    "end": (("end5", "550 5.7.1 not this message"),
            ("end4", "450 4.7.1 not this message now"),
            ("endhold", "HOLD kept at the end"),
            ("enddrop", "DISCARD thrown away at the end")),
}
RECIPIENTS = (
    (r"^deny\.", "550 5.7.1 nothing for this one"),
    (r"^deny4\.", "450 4.7.1 nothing for this one now"),
    (r"@probe\.test$", "reject_unverified_recipient"),
    (r"@warned\.test$", "warned"),
    (r"^kept\.", "HOLD kept for this one"),
)
HEADERS = (
    ("X-Fate-Header: reject", "REJECT such a header"),
    ("X-Fate-Header: hold", "HOLD such a header"),
    ("X-Fate-Header: discard", "DISCARD such a header"),
    ("X-Fate-Header: warn", "WARN such a header"),
    ("X-Fate-Header: filter", "FILTER again:[127.0.0.1]:{again}"),
    ("X-Fate-Header: replace", "REPLACE X-Fate-Header: replaced"),
    ("X-Fate-Header: bcc (.*)", "BCC ok.$1.b@sink.test"),
    ("X-Fate-Header: redirect (.*)", "REDIRECT ok.$1.r@sink.test"),
)
ALIASES = (
    (r"^team\.(.*)@alias", "ok.$1.a@sink.test, ok.$1.b@sink.test"),
    (r"^mixed\.(.*)@alias", "ok.$1.a@sink.test, bounce.$1.b@sink.test"),
    (r"^late\.(.*)@alias", "defer1.$1.a@sink.test, ok.$1.b@sink.test"),
    (r"^chain\.(.*)@alias", "team.$1@alias.test"),
    (r"^other\.(.*)@alias", "ok.$1.a@sink.test"),
    (r"^gone\.(.*)@alias", "ok.$1.a@error.test"),
    (r"^later\.(.*)@alias", "ok.$1.a@later.test"),
)
# local(8) looks up what stands before the "+".
LOCAL = (
    ("file", "{directory}/kept/file/"),
    ("command", '"|{directory}/recorder"'),
    ("several", "ok.several@sink.test, {directory}/kept/file/"),
)


class MailHost:
    """All of it; `before` are milters in front of rspamd."""

    def __init__(self, lab, before=(), rspamd=None):
        self.directory = lab.subdir("mailhost", mode=0o755)
        nobody = user("nobody")
        for name in ("kept", "kept/file", "kept/virtual"):
            lab.subdir(f"mailhost/{name}", owner=nobody)
        lab.subdir("mailhost/kept/spool", mode=0o1777)
        lab.subdir("mailhost/forward")
        self.sink = Receiver(lab, "sink")
        self.silent = Receiver(lab, "silent", dsn=False)
        self.dovecot = Dovecot(lab)
        self.rspamd = rspamd or Rspamd(lab, lua=RSPAMD_LUA,
                                       extra=RSPAMD_ACTIONS)
        self.values = {"directory": self.directory, "again": None}
        ports = {"mx": None, "submission": "alice@senders.test",
                 "closed": None, "again": None, "proxied": None}
        postfix = Postfix(
            lab, sink=self.sink.port, hostname=HOST, ports=ports,
            milters=[*before, self.rspamd.milter],
            services=SERVICES.format(**self.values),
            port_options={
                "mx": ["smtpd_delay_reject = no"],
                "closed": ["smtpd_delay_reject = no",
                           "smtpd_client_restrictions = "
                           "check_client_access static:{554 5.7.1 closed}"],
                "proxied": ["smtpd_proxy_filter = 127.0.0.1:$again_port"],
                "again": self._after_filter()},
            settings=self._settings())
        self.postfix = postfix
        self.values["again"] = postfix.ports["again"]
        with open(os.path.join(postfix.conf, "main.cf"), "a",
                  encoding="ascii") as f:
            f.write(f"again_port = {postfix.ports['again']}\n")
        self._write_tables()
        self._write_programs()

    @staticmethod
    def _after_filter():
        """A listener behind a content filter looks at nothing again."""
        return ["smtpd_milters =", "smtpd_helo_restrictions =",
                "smtpd_sender_restrictions =",
                "smtpd_recipient_restrictions = permit_mynetworks, reject",
                "smtpd_data_restrictions =",
                "smtpd_end_of_data_restrictions =",
                "smtpd_authorized_xforward_hosts = 127.0.0.0/8",
                "receive_override_options = no_header_body_checks, "
                "no_unknown_recipient_checks, no_address_mappings"]

    def _settings(self):
        def table(name):
            return f"regexp:{self.directory}/{name}"

        def asks(what, *names):
            return ", ".join(f"check_{what}_access {table(n)}"
                             for n in names)

        return {
            "mydestination": "local.test",
            "local_header_rewrite_clients": "",
            "transport_maps": f"texthash:{self.directory}/transport",
            "alias_maps": f"texthash:{self.directory}/aliases",
            "allow_mail_to_files": "alias, forward",
            "recipient_delimiter": "+",
            "forward_path": f"{self.directory}/forward/${{user}}",
            "mail_spool_directory": f"{self.directory}/kept/spool/",
            "virtual_alias_domains": "alias.test",
            "virtual_alias_maps": table("virtual"),
            "virtual_mailbox_domains": "virt.test",
            "virtual_mailbox_maps": table("mailboxes"),
            "virtual_mailbox_base": f"{self.directory}/kept",
            "virtual_uid_maps": f"static:{user('nobody').pw_uid}",
            "virtual_gid_maps": f"static:{user('nobody').pw_gid}",
            "recipient_bcc_maps": table("bcc"),
            "recorder_destination_recipient_limit": "1",
            "header_checks": table("headers"),
            "body_checks": table("bodies"),
            "message_size_limit": "60000",
            "smtpd_helo_required": "yes",
            "smtpd_helo_restrictions": asks("helo", "helo"),
            "smtpd_sender_restrictions": asks("sender", "from-mail"),
            "smtpd_restriction_classes": "warned",
            "warned": "warn_if_reject reject",
            "smtpd_recipient_restrictions":
                asks("recipient", "to") + ", " + asks("sender", "from-rcpt"),
            "smtpd_data_restrictions": asks("sender", "from-data"),
            "smtpd_end_of_data_restrictions": asks("sender", "from-end"),
            "smtpd_error_sleep_time": "0",
            "smtpd_soft_error_limit": "1000",
            "smtpd_hard_error_limit": "1000",
            "unverified_recipient_reject_code": "550",
            "address_verify_map": "",
            "address_verify_poll_delay": "1s",
            "address_verify_poll_count": "20",
            "minimal_backoff_time": "1s",
            "maximal_backoff_time": "2s",
            "queue_run_delay": "1s",
            "transport_retry_time": "2s",
            "delay_warning_time": "2s",
            "maximal_queue_lifetime": "1h",
            "bounce_queue_lifetime": "1h",
            "notify_classes": "2bounce",
            "2bounce_notice_recipient": "ok.postmaster@sink.test",
        }

    def _write(self, name, lines):
        with open(os.path.join(self.directory, name), "w",
                  encoding="ascii") as f:
            f.writelines(line + "\n" for line in lines)

    def _write_tables(self):
        sink, silent = (f"[127.0.0.1]:{r.port}"
                        for r in (self.sink, self.silent))
        self._write("transport", (
            f"sink.test smtp:{sink}", f"data.test smtp:{sink}",
            f"senders.test smtp:{sink}", f"probe.test smtp:{sink}",
            f"warned.test smtp:{sink}", f"silent.test smtp:{silent}",
            f"soft.test soft:{sink}",
            f"lmtp.test dovecot:unix:{self.dovecot.socket}",
            "pipe.test recorder:", "discard.test discard:silently",
            "error.test error:5.1.6 moved away",
            "later.test retry:4.3.0 not today", "nowhere.test nosuch:",
            f"refused.test smtp:[127.0.0.1]:{free_port()}"))
        self._write("aliases", (f"{name} {to.format(**self.values)}"
                                for name, to in LOCAL))
        self._write("forward/nobody", ("ok.forward@sink.test",))
        self._write("virtual", (f"/{a}/ {to}" for a, to in ALIASES))
        self._write("mailboxes", (r"/^ok\..*@virt\.test$/ virtual/",))
        self._write("bcc", (r"/^ok\.copied\.(.*)@sink/ ok.$1.b@sink.test",))
        self._write("helo", ("/^bad/ 550 5.7.1 not with this name",))
        self._write("to", (f"/{a}/ {to}" for a, to in RECIPIENTS))
        for stage, rows in SENDERS.items():
            self._write(f"from-{stage}", (
                rf"/^{word}\.(.*)@senders\.test$/ "
                + action.format(**self.values) for word, action in rows))
        self._write("headers", (f"/^{h}$/ {action.format(**self.values)}"
                                for h, action in HEADERS))
        self._write("bodies", ("/^body reject$/ REJECT such a body",
                               "/^body discard$/ DISCARD such a body"))

    def _write_programs(self):
        self._write("recorder", [RECORDER.format(**self.values)])
        os.chmod(os.path.join(self.directory, "recorder"), 0o755)

    def start(self):
        for server in (self.sink, self.silent, self.dovecot, self.rspamd,
                       self.postfix):
            server.start()
        return self

    # Its queue, as its administrator sees and treats it

    def listing(self):
        """{queue id: {"queue_name", "recipients": [{"address", ...}], ...}}
        of what is in it."""
        out = run(["postqueue", "-c", self.postfix.conf, "-j"]).stdout
        return {m["queue_id"]: m for m in map(json.loads, out.splitlines())}

    def postsuper(self, flag, queue_ids):
        """postsuper(1) with -d, -h, -H, -r or -e."""
        conf = self.postfix.conf
        run(["postsuper", "-c", conf, flag, "-"],
            input="".join(f"{q}\n" for q in queue_ids).encode())
        self.kick()

    def kick(self):
        """Have pickup look what was submitted locally or queued anew: it is
        told so only of the former, and while it is there; else it looks once
        a minute. It may just be ending for a reload."""
        run(["postkick", "-c", self.postfix.conf, "public", "pickup", "W"],
            ok=(0, 1, -signal.SIGPIPE))

    # What was taken by those behind it that are not receivers

    def kept(self):
        """(fate, address) of each copy in a mailbox of this host or in the
        recorder's file. Of Dovecot's mail the address is the user's name."""
        for name, fields in self.dovecot.kept():
            yield fields["X-Fate"], name
        for root, _, names in os.walk(os.path.join(self.directory, "kept")):
            for name in names if root.endswith("/new") else ():
                with open(os.path.join(root, name), "rb") as f:
                    fields = email.parser.BytesHeaderParser(
                        policy=email.policy.compat32).parse(f)
                yield fields["X-Fate"], fields.get("X-Original-To",
                                                   fields["Delivered-To"])
        record = os.path.join(self.directory, "kept", "record")
        if os.path.exists(record):
            with open(record, encoding="utf-8") as f:
                for line in f:
                    fate, _, address = line.rstrip("\n").partition(" ")
                    yield fate, address
