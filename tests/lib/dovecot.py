# SPDX-License-Identifier: BSD-2-Clause
"""A private Dovecot that takes mail by LMTP on a Unix socket.

Its users are box0 to box9, whose mail is kept, `full`, who is over quota (552
after the data), `away`, whose account cannot be looked up now (451 at RCPT),
and nobody else (550 at RCPT). The domain does not matter, nor what follows a
"+" in the local part, so that a test can have as many addresses as it likes.
"""

import email.parser
import email.policy
import os

from .process import Process, answers, user

CONF = """\
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/dovecot-own.log
instance_name = {name}
protocols = lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
mail_location = maildir:~/Maildir
mail_fsync = never
first_valid_uid = 1
mail_plugins = quota
auth_username_format = %Ln
# Nobody logs in, but without one dovecot's auth does not start.
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = passwd-file
  args = {directory}/users
}}
plugin {{
  quota = maildir:User quota
}}
service lmtp {{
  process_min_avail = 2
  unix_listener {socket} {{
    mode = 0666
  }}
}}
service stats {{
  client_limit = 10000
}}
"""


class Dovecot:
    """dovecot(1) in the foreground of a directory of its own."""

    def __init__(self, lab, name="dovecot"):
        self.directory = lab.subdir(name)
        self.socket = os.path.join(self.directory, "lmtp.sock")
        owner = user("nobody")
        self.home = lab.subdir(f"{name}/home", mode=0o700, owner=owner)
        users = {**{f"box{i}": "" for i in range(10)},
                 "full": "userdb_quota_rule=*:storage=1B",
                 "away": "userdb_tempfail=yes"}
        with open(os.path.join(self.directory, "users"), "w",
                  encoding="ascii") as f:
            for local, extra in users.items():
                f.write(f"{local}::{owner.pw_uid}:{owner.pw_gid}::"
                        f"{self.home}/{local}::{extra}\n")
        conf = os.path.join(self.directory, "dovecot.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONF.format(directory=self.directory, name=name,
                                socket=self.socket))
        self.process = Process(name, ["dovecot", "-F", "-c", conf],
                               self.directory)
        lab.add(self)

    def start(self):
        self.process.start(lambda: answers(self.socket, b"220 "))
        return self

    def stop(self):
        return self.process.stop()

    def kept(self):
        """(user, header fields) of each message in a mailbox."""
        for user_name in os.listdir(self.home):
            new = os.path.join(self.home, user_name, "Maildir", "new")
            for name in os.listdir(new) if os.path.isdir(new) else ():
                with open(os.path.join(new, name), "rb") as f:
                    yield user_name, email.parser.BytesHeaderParser(
                        policy=email.policy.compat32).parse(f)
