# SPDX-License-Identifier: BSD-2-Clause
"""Our programs under sanitizers or valgrind: what those find fails the test.

Every program below a test run gets, through its environment, a directory to
report into; conftest looks there after each test. Sanitizers are in the build
(presets asan and tsan). valgrind comes by MT_WRAP, a command that is put
before our daemons': MT_WRAP="valgrind -q --log-file=%q{MT_REPORTS}/%p".
"""

import os
import pathlib
import re
import shlex
import shutil
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "LSAN_OPTIONS": "",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
}


def build():
    """The directory of the programs that are tested."""
    return ROOT / os.environ.get("MT_BUILD", "build/dev")


def plain():
    """Whether programs run as they will: with their own memory and speed."""
    cache = (build() / "CMakeCache.txt").read_text("utf-8")
    return "MT_WRAP" not in os.environ and \
        re.search(r"^MT_SANITIZE:\w+=.", cache, re.M) is None


def assert_cost(used, limit):
    """Memory or time of ours; what sanitizers and valgrind add is theirs."""
    assert used <= limit or not plain()


def wrapped(argv):
    """The command of a daemon; below MT_WRAP, if it is one of ours."""
    if "MT_WRAP" in os.environ and build() in pathlib.Path(argv[0]).parents:
        return [*shlex.split(os.environ["MT_WRAP"]), *argv]
    return argv


class Reports:
    """The directory that reports go to, and what came since the last look."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="mt-reports-", dir="/tmp")
        # Some programs give up root before they have anything to report.
        os.chmod(self.directory, 0o777)
        os.environ["MT_REPORTS"] = self.directory
        for name, value in OPTIONS.items():
            os.environ[name] = ":".join(filter(None, (
                value, f"log_path={self.directory}/report",
                os.environ.get(name))))

    def take(self):
        """The texts of new reports. An empty file is none (yet)."""
        texts = []
        for path in sorted(pathlib.Path(self.directory).iterdir()):
            text = path.read_text("utf-8", "replace")
            if text:
                texts.append(text)
                path.unlink()
        return texts

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)
