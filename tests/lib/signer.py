# SPDX-License-Identifier: BSD-2-Clause
"""A DKIM key, its public record, and who checks what it signed."""

import os

import dkim

from .process import answers, run


class Signer:
    """What a signing milter has in common with another.

    A signer has a directory, a port on loopback and a process. verify() checks a delivered message against the key it signs with, as
    a receiver would, with the key record handed over instead of looked up.
    """

    selector = "test"

    @property
    def milter(self):
        """Its smtpd_milters entry."""
        return f"inet:127.0.0.1:{self.port}"

    def start(self):
        self.process.start(self.ready)
        return self

    def ready(self):
        return answers(("127.0.0.1", self.port))

    def stop(self):
        return self.process.stop()

    def make_key(self, run_as):
        """self.key, readable for that user alone, and self.record."""
        self.key = os.path.join(self.directory, "dkim.key")
        run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
             "rsa_keygen_bits:2048", "-out", self.key])
        public = run(["openssl", "pkey", "-in", self.key,
                      "-pubout"]).stdout
        base64 = "".join(line for line in public.splitlines()
                         if not line.startswith("-"))
        self.record = f"v=DKIM1; k=rsa; p={base64}"
        os.chmod(self.key, 0o600)
        if run_as is not None:
            os.chown(self.key, run_as.pw_uid, run_as.pw_gid)

    def verify(self, data, domain="example.org"):
        """Whether the first DKIM-Signature is ours and holds."""
        asked = []

        def lookup(name, timeout=5):
            asked.append(name.decode().rstrip("."))
            return self.record.encode()

        good = dkim.verify(data, dnsfunc=lookup)
        return good and asked == [f"{self.selector}._domainkey.{domain}"]

    def verify_by_opendkim(self, data, domain="example.org"):
        """The same, as OpenDKIM's library sees it."""
        at = os.path.join(self.directory, "check")
        for name, content in (
                ("eml", data),
                ("keys", f"{self.selector}._domainkey.{domain} "
                         f"{self.record}\n".encode()),
                ("conf", f"TestPublicKeys {at}.keys\nMode v\n"
                   "RequireSafeKeys no\n".encode())):
            with open(f"{at}.{name}", "wb") as f:
                f.write(content)
        said = run(["opendkim", "-x", f"{at}.conf", "-v", "-t", f"{at}.eml"],
                   ok=range(256))
        return said.returncode == 0 and \
            f"(s={self.selector}, d={domain}, 2048-bit key) succeeded" \
            in said.stdout + said.stderr
