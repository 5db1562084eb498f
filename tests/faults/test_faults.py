# SPDX-License-Identifier: BSD-2-Clause
"""Each fault once, with a fixed seed; docs/reliability.md says what is
promised. More of it: tests/faults/run each --times 20."""

import contextlib

import pytest

from tests.lib import checked
from tests.lib.process import Lab

from .catalogue import FAULTS
from .rounds import play
from .scene import Scene

SEED = 7
# Those that are best seen in the same scene one after the other. A sanitizer's
# start and libfaketime's wait for each other for ever.
CASES = sorted((name for name, f in FAULTS.items()
                if checked.plain() or "faketime" not in f.needs),
               key=lambda name: sorted(FAULTS[name].best))


@pytest.fixture(scope="module")
def scenes(build, needs_root):
    """Gives a scene of a kind; the one of another kind ends then."""
    standing = []
    with contextlib.ExitStack() as stack:
        def get(kind):
            if standing[:1] != [kind]:
                stack.close()
                lab = stack.enter_context(Lab())
                scene = lab.add(Scene(lab, build, seed=SEED, **kind))
                standing[:] = [kind, scene.start()]
            return standing[1]
        yield get


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_doubled_damaged_or_delayed(scenes, name):
    fault = FAULTS[name]
    assert not play(scenes(fault.best), fault, SEED).problems
