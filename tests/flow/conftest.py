# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the flow tests."""

import pytest

from tests.lib.ctl import Ctl


@pytest.fixture
def ctl(build, tmp_path):
    """The command with no server around it."""
    return Ctl(build, tmp_path)


@pytest.fixture
def db_ctl(ctl, mariadb, database):
    """The command with a database whose schema is up to date."""
    ctl.set(db_socket=mariadb.socket, db_name=database, db_user="root")
    ctl("schema", "migrate")
    return ctl
