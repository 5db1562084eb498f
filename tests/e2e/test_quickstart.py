# SPDX-License-Identifier: BSD-2-Clause
"""packaging/quickstart, as a newcomer runs it, in a copy of the tree."""

import json
import os
import re
import shutil

import pytest

from tests.lib.process import members, run

MESSAGE = b"""\
From: Carol <carol@example.org>
To: dave@example.net
Subject: mine
Message-ID: <mine@example.org>
Content-Type: text/html; charset=utf-8

<html><body><p>My own.</p></body></html>
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(root, tmp_path, needs_root):
    """A copy of the tree without what a fresh clone has not, its path with a
    blank, in a directory that only root may enter."""
    tree = tmp_path / "my clone"
    shutil.copytree(root, tree, symlinks=True, ignore=shutil.ignore_patterns(
        "build", "var", ".git", "__pycache__"))
    yield tree
    run([tree / "packaging/quickstart", "stop"])
    if (tree / "var").is_symlink():
        shutil.rmtree((tree / "var").resolve())


def quickstart(tree, *args, **kwargs):
    return run([tree / "packaging/quickstart", *args], timeout=900, **kwargs)


def processes(tree):
    state = json.loads((tree / "var/running.json").read_text())
    return [p["pid"] for p in state["processes"]]


def test_quickstart_twice_with_a_message_and_stop(tree):
    out = quickstart(tree).stdout
    said = out.partition("\n\n")[0].splitlines()
    # One line for each thing it does: what, and in a few words how.
    assert [line.split()[0] for line in said] == [
        "packages", "build", "var", "redis", "mariadb", "mailtrail",
        "mailtrail", "nginx", "sink", "rspamd", "postfix", "tail", "policy",
        "send", "delivered", "pixel"]
    assert "DKIM signature holds" in out
    assert "200, 43 bytes" in out
    trail = out.partition("\n\n")[2].partition("\naddresses\n")[0]
    # Verdict, every attempt, and how it ended for the recipient.
    assert re.search(r"^  status      delivered \(", trail, re.M)
    assert re.search(r"^  verdict     no action, \S+ of 15 \(", trail,
                     re.M)
    assert re.search(r"^  to bob@example\.com  delivered\n"
                     r"    \S+  offered\n"
                     r"    \S+  sent     2\.0\.0  by 127\.0\.0\.1\[127", trail,
                     re.M)
    assert re.search(r"^    \S+  removed$", trail, re.M)
    assert out.count("\nnext\n") == 1
    commands = out.partition("\nnext\n")[2].split("\n\n")[0].splitlines()
    assert len(commands) == 4
    for command in commands[:3]:
        run(["sh", "-c", command], cwd=tree)
    before = processes(tree)

    again = quickstart(tree).stdout
    assert "used as it is" in again and "DKIM signature holds" in again
    assert processes(tree) == before

    (tree / "mine.eml").write_bytes(MESSAGE)
    mine = quickstart(tree, "--message", "mine.eml", cwd=tree).stdout
    assert "from carol@example.org to dave@example.net" in mine
    assert "DKIM signature holds" in mine and "200, 43 bytes" in mine

    said = quickstart(tree, "stop").stdout
    assert said.startswith("stop       ended tail, postfix, rspamd, sink, ")
    for pid in before:
        assert members(pid) == []
    assert quickstart(tree, "stop").stdout == \
        "stop       nothing was started\n"

    # Started anew, what was kept is there still.
    out = quickstart(tree).stdout
    assert "DKIM signature holds" in out
    kept = run([tree / "var/bin/mailtrail", "trail", "carol@example.org"])
    assert "dave@example.net" in kept.stdout


def test_quickstart_refuses_what_it_does_not_know(root):
    done = run([root / "packaging/quickstart", "--massage"], ok=(64,))
    assert done.stderr.startswith("usage: packaging/quickstart [--message")
    done = run([root / "packaging/quickstart", "--message", "/nowhere.eml"],
               ok=(66,))
    assert done.stderr == \
        "quickstart: cannot read the message /nowhere.eml\n"
    done = run([root / "packaging/quickstart", "--message"], ok=(64,))
    assert "usage" in done.stderr


def test_install_packages_says_nothing_when_all_is_there(root):
    if os.geteuid() != 0:
        pytest.skip("would ask for root where packages are missing")
    done = run([root / "packaging/install-packages", "build", "run", "lab"])
    assert done.stdout == "" and done.stderr == ""
    done = run([root / "packaging/install-packages", "nonsense"], ok=(64,))
    assert done.stderr == \
        "install-packages: no set 'nonsense' in packaging/packages\n"
