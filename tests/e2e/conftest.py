# SPDX-License-Identifier: BSD-2-Clause
"""The whole system, started once for the tests that do not break it."""

import pytest

from tests.lib.process import Lab
from tests.lib.system import System


@pytest.fixture(scope="session")
def system_lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def system(system_lab, build, needs_root):
    system = System(system_lab, build).start()
    system.track("set", "mailbox", "alice@example.org", "identified")
    return system


@pytest.fixture
def own_system(own_lab, build, needs_root):
    """A system of one test, which may break it."""
    system = System(own_lab, build).start()
    system.track("set", "mailbox", "alice@example.org", "identified")
    return system
