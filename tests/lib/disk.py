# SPDX-License-Identifier: BSD-2-Clause
"""A small file system of a test's own, of memory, which can be filled."""

import ctypes
import functools
import os

from .process import run

CLONE_NEWNS = 0x00020000


@functools.cache
def own_mounts():
    """From here on this thread, and whom it starts, has its own mounts: they
    go when the last of these ends, however that comes about."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare: are we root?")
    run(["mount", "--make-rprivate", "/"])


class SmallDisk:
    """A tmpfs at a path of the lab, gone with the lab. Needs root.

    To be made by the thread that starts everything else.
    """

    def __init__(self, lab, name, size="1m", mode="777"):
        self.path = lab.subdir(name)
        own_mounts()
        self.filler = os.path.join(self.path, "filler")
        run(["mount", "-t", "tmpfs", "-o", f"size={size},mode={mode}",
             "mailtrail-test", self.path])
        lab.add(self)

    def fill(self, leave=0):
        """Take all room but about `leave` bytes."""
        fd = os.open(self.filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            # In ever smaller pieces: one that somebody else was quicker
            # with is given back as a whole.
            for size in (1 << 26, 1 << 20, 1 << 16, 1 << 12):
                while self.room() - leave >= size:
                    try:
                        os.posix_fallocate(fd, os.fstat(fd).st_size, size)
                    except OSError:
                        break
        finally:
            os.close(fd)

    def room(self):
        st = os.statvfs(self.path)
        return st.f_bavail * st.f_frsize

    def free(self):
        if os.path.exists(self.filler):
            os.unlink(self.filler)

    def stop(self):
        run(["umount", "-l", self.path])
