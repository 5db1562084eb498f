# SPDX-License-Identifier: BSD-2-Clause
"""The command tests/faults/run: what it has, and what it refuses."""

import os
import subprocess

import pytest

from .catalogue import FAULTS


def command(root, *args, **env):
    return subprocess.run([root / "tests/faults/run", *args], check=False,
                          capture_output=True, text=True,
                          env={**os.environ, **env})


def test_list_has_a_line_for_each_fault(root):
    lines = command(root, "list").stdout.splitlines()
    assert [line[:34].strip() for line in lines] == list(FAULTS)
    assert all(line[36:].endswith(".") for line in lines)


@pytest.mark.parametrize("args, code, said", [
    (["each", "redis on fire"], 64, "run: no fault 'redis on fire'"),
    (["each", "--times", "0"], 2, "0 is not above 0"),
    (["soak"], 2, "--minutes"),
    (["soak", "--minutes", "nan"], 2, "nan is not above 0"),
    ([], 2, "command"),
])
def test_bad_usage(root, build, args, code, said):
    done = command(root, *args, MT_BUILD=str(build))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_without_a_build_it_says_so(root):
    done = command(root, "each", "redis killed", MT_BUILD="build/none")
    assert done.returncode == 64
    assert "no build in " in done.stderr
