# SPDX-License-Identifier: BSD-2-Clause
"""A small file system of a test's own, which can be filled. Needs root."""

import os
import subprocess


class SmallDisk:
    def __init__(self, lab, name, size="1m", mode="777"):
        self.path = lab.subdir(name)
        self.filler = os.path.join(self.path, "filler")
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        f"size={size},mode={mode}", "none", self.path],
                       check=True)

    def fill(self):
        """To the last byte."""
        with open(self.filler, "wb", buffering=0) as f:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        f.write(bytes(size))
                except OSError:
                    pass

    def free(self):
        os.unlink(self.filler)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=True)
