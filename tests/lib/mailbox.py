# SPDX-License-Identifier: BSD-2-Clause
"""A private Dovecot that serves one user's mail by IMAP over TLS.

The user is `reports`, the password in self.password; mail is put into his
INBOX by add(), as a delivery agent would.
"""

import imaplib
import os
import ssl

from .process import Process, answers, free_port, run, user

CONF = """\
base_dir = {directory}/run
state_dir = {directory}/run
log_path = {directory}/dovecot-own.log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:~/Maildir
first_valid_uid = 1
imap_capability = {capability}
auth_failure_delay = 1 secs
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {directory}/users
}}
userdb {{
  driver = passwd-file
  args = {directory}/users
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service stats {{
  client_limit = 10000
}}
"""


class Mailbox:
    """dovecot(1) in the foreground of a directory of its own."""

    password = 'secret "x'

    def __init__(self, lab, name="mailbox", ssl_setting="yes",
                 capability=""):
        self.directory = lab.subdir(name)
        self.port, self.tls_port = free_port(), free_port()
        self.ca = os.path.join(self.directory, "cert.pem")
        owner = user("nobody")
        self.home = lab.subdir(f"{name}/home", mode=0o700, owner=owner)
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-subj", "/CN=localhost", "-addext", "subjectAltName="
             "DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout",
             os.path.join(self.directory, "key.pem"), "-out", self.ca])
        self.set_password(self.password)
        conf = os.path.join(self.directory, "dovecot.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONF.format(
                directory=self.directory, name=name, ssl=ssl_setting,
                port=self.port, tls_port=self.tls_port,
                capability=capability))
        self.owner = owner
        self.process = Process(name, ["dovecot", "-F", "-c", conf],
                               self.directory)
        lab.add(self)

    def set_password(self, password):
        owner = user("nobody")
        with open(os.path.join(self.directory, "users"), "w",
                  encoding="ascii") as f:
            f.write(f"reports:{password}:{owner.pw_uid}:{owner.pw_gid}::"
                    f"{self.home}::\n")

    def start(self):
        self.process.start(
            lambda: answers(("127.0.0.1", self.port), b"* OK "))
        return self

    def stop(self):
        return self.process.stop()

    def client(self):
        """Logged in, with INBOX selected; to be used in a with."""
        context = ssl.create_default_context(cafile=self.ca)
        imap = imaplib.IMAP4_SSL("127.0.0.1", self.tls_port,
                                 ssl_context=context)
        imap.login("reports", self.password)
        imap.select()
        return imap

    def add(self, message, mailbox="INBOX", flags=""):
        with self.client() as imap:
            imap.append(mailbox, flags, None, message)

    def messages(self, mailbox="INBOX"):
        """(is it read, subject) of each message, in order."""
        found = []
        with self.client() as imap:
            if imap.select(mailbox, readonly=True)[0] != "OK":
                return None
            data = imap.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS "
                              "(SUBJECT)])")[1] if \
                imap.search(None, "ALL")[1][0] else []
            for item in data:
                if isinstance(item, tuple):
                    subject = item[1].decode().partition(":")[2].strip()
                    found.append((b"\\Seen" in item[0], subject))
        return found
