# SPDX-License-Identifier: BSD-2-Clause
"""bench/: what is said of the figures; and that bench/run makes some."""

import os
import subprocess

import pytest

from bench import report, work
from bench.measure import Goal, Result, interval, pairs
from bench.messages import message
from tests.lib.process import Process, wait_for

CALLGRIND = """\
# callgrind format
events: Ir

ob=/usr/lib/libc.so.6
fl=string.c
fn=memcpy
10 7
+3 5

ob=/usr/sbin/ours
fl=ours.c
fn=main
20 100
cob=/usr/lib/libc.so.6
cfi=string.c
cfn=memcpy
calls=2 10
* 12
fi=ours.h
-4 30
fe=ours.c
fn=memcpy
* 4

totals: 146
"""


def test_the_interval_is_by_order_statistics():
    # Of 15 values the 4th from each end (chance 3.5 %), of 5 the ends.
    assert interval(range(15)) == (3, 11)
    assert interval([5, 1, 4, 2, 3]) == (1, 5)
    assert interval([7]) == (7, 7)


@pytest.mark.parametrize("values, goal, verdict", [
    ([1.0] * 15, Goal("<=", 1.1), "met"),
    ([1.2] * 15, Goal("<=", 1.1), "missed"),
    ([1.0] * 8 + [1.2] * 7, Goal("<=", 1.1), "met, unsure"),
    ([1.0] * 7 + [1.2] * 8, Goal("<=", 1.1), "missed, unsure"),
    ([0.9] * 15, Goal(">=", 0.8), "met"),
    ([0.7] * 15, Goal(">=", 0.8), "missed"),
    ([1.0] * 15, None, "-"),
])
def test_verdicts(values, goal, verdict):
    assert Result("r", "", "", "s", values, [1.0] * 15,
                  goal).verdict() == verdict
    assert Result("r", "", "", "s", values, None, goal).verdict() == verdict


def test_pairs_alternate_and_the_first_is_not_counted():
    order = []
    ours, theirs = pairs(2, lambda: order.append("a") or len(order),
                         lambda: order.append("b") or len(order))
    assert order == ["b", "a"] * 3
    assert (ours, theirs) == ([4, 6], [3, 5])


def test_the_table_has_a_ratio_of_each_pair():
    result = Result("row", "what", "against", "s", [1.0, 4.0, 3.0],
                    [2.0, 2.0, 2.0], Goal("<=", 2), ["a note"])
    assert report.cells(result) == (
        "row", "3.00 s", "2.00 s", "1.50 (0.500..2.00)", "<= 2.00 x", "met")
    page = "\n".join(report.markdown([result], [("other", "no root")],
                                     "bench/run", "abc", 0.1))
    assert "| row | what | against | 3.00 s |" in page
    assert "| other | not measured: no root |" in page
    assert "- row: a note" in page
    assert os.uname().nodename not in page


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_messages_have_the_size_they_should(encoding):
    for size, attachment in ((100000, 0), (100000, 90000), (2000000, 0)):
        n = len(message(size, encoding, attachment=attachment))
        assert size * 0.97 < n < size * 1.03


@pytest.mark.parametrize("names, rows", [
    (["markup", "spool"], ["markup, base64", "spool, batch, interval"]),
    (["view"], ["view, newest page", "view, a sender's", "view, a trail"]),
])
def test_the_command_measures(root, build, names, rows):
    done = subprocess.run(
        [root / "bench" / "run", "--quick", "--pairs", "1", *names],
        env={**os.environ, "MT_BUILD": str(build)},
        capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["row", "ours", "theirs"]
    for row in rows:
        assert any(line.startswith(row) for line in lines)


def test_what_a_function_calls_is_not_its_own(tmp_path):
    path = tmp_path / "callgrind.out"
    path.write_text(CALLGRIND)
    costs = work.functions(path)
    assert costs == {("memcpy", "libc.so.6"): 12, ("main", "ours"): 130,
                     ("memcpy", "ours"): 4}
    assert work.by_object(costs) == {"libc.so.6": 12, "ours": 134}
    assert work.by_function(costs) == {"memcpy": 16, "main": 130}


def test_system_calls_are_those_of_the_load(own_lab):
    pipe = own_lab.path("pipe")
    os.mkfifo(pipe)
    cat = own_lab.add(Process("cat", ["cat", pipe], own_lab.directory))
    cat.start()
    with open(pipe, "w", encoding="ascii") as f:

        def say(word):
            f.write(word)
            f.flush()
            wait_for(lambda: word in cat.text(), what=word)

        say("before")
        assert work.system_calls(own_lab, cat, lambda: say("load")) == {
            "read": 1, "write": 1}


def test_a_row_nobody_knows_is_refused(root):
    done = subprocess.run([root / "bench" / "run", "nothing"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no row 'nothing'; there are inject markup hostile" in done.stderr
