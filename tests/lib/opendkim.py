# SPDX-License-Identifier: BSD-2-Clause
"""A private OpenDKIM that signs mail of example.org, as a milter."""

import os

from .process import Process, free_port, user
from .signer import Signer

CONF = """\
Domain {domain}
Selector {selector}
KeyFile {key}
Canonicalization {canonicalization}
Mode s
RequireSafeKeys no
InternalHosts 127.0.0.1
Socket inet:{port}@127.0.0.1
Background no
Syslog no
"""


class OpenDkim(Signer):
    """Signs header and body in the given canonicalization."""

    def __init__(self, lab, canonicalization="relaxed/relaxed",
                 name="opendkim", domain="example.org"):
        run_as = user("opendkim", "nobody")
        self.directory = lab.subdir(name, owner=run_as)
        self.port = free_port()
        self.canonicalization = canonicalization
        self.make_key(run_as)
        conf = os.path.join(self.directory, "opendkim.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONF.format(
                domain=domain, selector=self.selector, key=self.key,
                canonicalization=canonicalization, port=self.port))
        self.process = Process("opendkim", ["opendkim", "-f", "-x", conf],
                               self.directory, run_as=run_as)
        lab.add(self)
