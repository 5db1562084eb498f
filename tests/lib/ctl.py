# SPDX-License-Identifier: BSD-2-Clause
"""The command `mailtrail` around a Redis, a MariaDB and a directory."""

import json
import os
import subprocess

from .mailtrail import PROGRAMS

EX_OK, EX_USAGE, EX_DATAERR, EX_UNAVAILABLE = 0, 64, 65, 69
EX_IOERR, EX_TEMPFAIL, EX_CONFIG = 74, 75, 78


class Ctl:
    """Call it with arguments; options become lines of mailtrail.conf."""

    def __init__(self, build, directory, **options):
        self.program = os.path.join(build, PROGRAMS["mailtrail"])
        self.directory = os.fspath(directory)
        self.conf = os.path.join(self.directory, "mailtrail.conf")
        self.options = {
            "host": "mx.example.org",
            "spool_dir": os.path.join(self.directory, "spool"),
            "token_keys": os.path.join(self.directory, "token.keys"),
            "policy_snapshot": os.path.join(self.directory,
                                            "policy.snapshot"),
            "day_key": os.path.join(self.directory, "day.key"),
            # Nobody is there unless the test says so.
            "redis": f"unix:{self.directory}/no-redis",
            "db_socket": os.path.join(self.directory, "no-mariadb"),
        }
        self.set(**options)

    def set(self, **options):
        self.options.update(options)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n" for k, v in self.options.items())

    def raw(self, *args, input=b"", env=None, conf=True):
        """The finished process; its outputs are bytes."""
        head = ["-c", self.conf] if conf else []
        return subprocess.run(
            [self.program, *head, *map(os.fspath, args)], input=input,
            capture_output=True, timeout=60,
            env={**os.environ, **(env or {})})

    def __call__(self, *args, ok=(EX_OK,), **kwargs):
        """(standard output, standard error) as text."""
        done = self.raw(*args, **kwargs)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode in ok, \
            f"{args}: ended with {done.returncode}\n{out}{err}"
        return out, err

    def json(self, *args, ok=(EX_OK,)):
        return json.loads(self(*args, "--json", ok=ok)[0])

    def fails(self, code, message, *args, **kwargs):
        """It ends with code, says message first, and prints nothing."""
        done = self.raw(*args, **kwargs)
        said = done.stderr.decode().splitlines()
        assert (done.returncode, said[:1]) == (code, [message])
        assert done.stdout == b""
        return said
