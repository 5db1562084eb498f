# SPDX-License-Identifier: BSD-2-Clause
"""Two minutes of what tests/faults/run soak does for an hour."""

from .scene import Scene
from .soak import Soak


def test_two_minutes_of_random_faults(own_lab, build, needs_root):
    scene = own_lab.add(Scene(own_lab, build, seed=11, rate=30.0,
                              segment="256k", whole=True)).start()
    done = Soak(scene, minutes=2, every=12, seed=11).play()
    print("\n".join(done.report()))
    assert not done.problems
    assert len(done.done) >= 5
