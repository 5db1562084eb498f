# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: private servers, started once a run and only when asked for.

MT_BUILD names the build directory (default build/dev); MT_SKIPS_FAIL=1 turns
a skipped test into a failed one, as in CI. When a test fails, the end of
every server's log is shown with it. What a sanitizer or valgrind reports
fails the test in which it came (tests/lib/checked.py).
"""

import itertools
import os
import pathlib
import signal

import pytest

from tests.lib import checked
from tests.lib.mariadb import MariaDB
from tests.lib.postfix import Postfix
from tests.lib.process import Lab
from tests.lib.redis import Redis
from tests.lib.rspamd import Rspamd
from tests.lib.sink import Sink

ROOT = pathlib.Path(__file__).resolve().parent.parent
_numbers = itertools.count(1)


def pytest_configure(config):
    # Ended from outside, a run still closes its labs.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.mt_reports = checked.Reports()


def pytest_unconfigure(config):
    config.mt_reports.close()


@pytest.fixture(scope="session")
def root():
    """The source tree."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """The build directory."""
    path = checked.build()
    if not path.is_dir():
        pytest.fail(f"no build in {path}: cmake --preset dev && "
                    "cmake --build --preset dev, or set MT_BUILD")
    return path


@pytest.fixture(scope="session")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def needs_root():
    if os.geteuid() != 0:
        pytest.skip("Postfix needs root")


@pytest.fixture(scope="session")
def redis(lab):
    return Redis(lab).start()


@pytest.fixture(scope="session")
def mariadb(lab):
    return MariaDB(lab).start()


@pytest.fixture(scope="session")
def sink(lab):
    return Sink(lab).start()


@pytest.fixture(scope="session")
def rspamd(lab):
    return Rspamd(lab).start()


@pytest.fixture(scope="session")
def postfix(lab, needs_root, sink, rspamd):
    """Postfix whose only milter is the signing rspamd; delivers to sink."""
    return Postfix(lab, sink=sink.port, milters=[rspamd.milter]).start()


@pytest.fixture
def stream(redis):
    """A stream name nobody else uses, gone after the test."""
    name = f"test:{os.getpid()}:{next(_numbers)}"
    yield name
    with redis.connect() as c:
        c.delete(name, f"{name}:dead")


@pytest.fixture
def database(mariadb):
    """An empty database of the test's own."""
    name = f"test_{next(_numbers)}"
    mariadb.query(f"CREATE DATABASE {name}")
    yield name
    mariadb.query(f"DROP DATABASE {name}")


@pytest.fixture
def own_lab():
    """A lab for one test that breaks its servers."""
    lab = Lab()
    yield lab
    lab.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("MT_SKIPS_FAIL") == "1" \
            and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and skips fail here: {report.longrepr}"
    # With the last test, the servers of the whole run have ended, too.
    found = item.config.mt_reports.take() if call.when == "teardown" else []
    if found:
        report.outcome = "failed"
        report.longrepr = "\n".join([
            "reported by what watches our programs:", *found,
            str(report.longrepr or "")])
    if report.failed:
        for name in ("lab", "own_lab", "system_lab"):
            lab = getattr(item, "funcargs", {}).get(name)
            if lab is None:
                continue
            for path, text in lab.logs():
                report.sections.append((f"{name}: end of {path}", text))
