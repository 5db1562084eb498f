# SPDX-License-Identifier: BSD-2-Clause
"""Each fault once, with a fixed seed; docs/reliability.md says what is
promised. More of it: tests/faults/run each --times 20."""

import pytest

from tests.lib import checked
from tests.lib.process import Lab

from .catalogue import FAULTS
from .rounds import play
from .scene import Scene

SEED = 7
PLAIN = [name for name, f in FAULTS.items() if not f.needs]
# A sanitizer's start and libfaketime's wait for each other for ever.
SPECIAL = [name for name, f in FAULTS.items() if f.needs
           and (checked.plain() or "faketime" not in f.needs)]


@pytest.fixture(scope="module")
def scene(build, needs_root):
    with Lab() as lab:
        yield lab.add(Scene(lab, build, seed=SEED)).start()


@pytest.mark.parametrize("name", PLAIN)
def test_nothing_is_lost_doubled_damaged_or_delayed(scene, name):
    assert not play(scene, FAULTS[name], SEED).problems


@pytest.mark.parametrize("name", SPECIAL)
def test_the_same_in_a_scene_of_its_own(own_lab, build, needs_root, name):
    fault = FAULTS[name]
    scene = own_lab.add(Scene(own_lab, build, seed=SEED, **fault.needs))
    assert not play(scene.start(), fault, SEED).problems
