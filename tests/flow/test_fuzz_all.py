# SPDX-License-Identifier: BSD-2-Clause
"""tests/fuzz-all: what it is told, and what it tells, with tiny targets."""

import shutil

import pytest

from tests.lib import checked
from tests.lib.process import run

SOURCE = """\
#include <stddef.h>
#include <stdint.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (BREAKS && n > 2 && data[0] == 'b')
		__builtin_trap();
	return 0;
}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A build directory with two targets, one of which breaks."""
    if shutil.which("clang") is None:
        pytest.skip("no clang")
    path = tmp_path_factory.mktemp("fuzz")
    (path / "a.c").write_text(SOURCE)
    listed = []
    for breaks, name in enumerate(("good", "broken")):
        run(["clang", "-fsanitize=fuzzer", f"-DBREAKS={breaks}",
             path / "a.c", "-o", path / f"fuzz_{name}"])
        (path / name).mkdir()
        (path / name / "seed").write_text("bad")
        listed.append(f"{name}\t64\t{path}/fuzz_{name}\t{path}/{name}\n")
    (path / "fuzz-targets").write_text("".join(listed))
    return path


@pytest.fixture
def fuzz_all(root, made, monkeypatch):
    monkeypatch.setenv("MT_BUILD", str(made))
    for name in checked.OPTIONS:  # what is found here is meant to be
        monkeypatch.delenv(name)
    return lambda *args, ok=(0,): run([root / "tests/fuzz-all", *args], ok)


@pytest.mark.parametrize("args, said", [
    (["0"], "0 minutes: more than 0, at most a day"),
    (["nan"], "no target 'nan'; there are good broken"),
    (["10x"], "'10x' is not a number of minutes"),
    (["1", "nosuch"], "no target 'nosuch'; there are good broken"),
    (["--jobs", "0"], "--jobs: at least 1"),
    (["--fast"], "unrecognized arguments: --fast"),
])
def test_bad_arguments_are_named(fuzz_all, args, said):
    done = fuzz_all(*args, ok=(64,))
    assert (done.stdout, done.stderr) == ("", f"tests/fuzz-all: {said}\n")


def test_without_a_build_it_says_so(fuzz_all, tmp_path, monkeypatch):
    monkeypatch.setenv("MT_BUILD", str(tmp_path))
    assert f"no fuzz targets in {tmp_path}" in fuzz_all(ok=(64,)).stderr


def test_a_clean_target_is_one_line_and_its_corpus_stays(fuzz_all, made):
    done = fuzz_all("0.01", "good")
    header, line = done.stdout.splitlines()
    assert header.split() == ["target", "runs", "runs/s", "coverage",
                              "seconds", "result"]
    name, runs, *_, result = line.split()
    assert (name, result) == ("good", "clean") and int(runs) > 0
    assert done.stderr == ""  # progress is for terminals
    assert [p.name for p in (made / "good").iterdir()] == ["seed"]


def test_a_crash_is_reported_with_how_to_replay_it(fuzz_all, tmp_path):
    done = fuzz_all("--keep", tmp_path, "0.01", "broken", ok=(1,))
    lines = done.stdout.splitlines()
    assert "broken" in lines[1] and "FAILED" in lines[1]
    replay = lines[2].removeprefix("  replay: ").split()
    assert replay[1].startswith(f"{tmp_path}/broken/crash-")
    with open(replay[1], "rb") as f:
        assert f.read() == b"bad"
    assert "deadly signal" in run(replay, ok=(77,)).stderr
    said = lines[3].removeprefix("  what it said: ")
    with open(said, encoding="utf-8") as f:
        assert "deadly signal" in f.read()
