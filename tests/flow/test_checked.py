# SPDX-License-Identifier: BSD-2-Clause
"""What sanitizers and valgrind find fails a test: with programs at fault."""

import os
import re
import shutil
import sys

import pytest

from tests.lib import checked
from tests.lib.process import Process, run

FAULTS = {
    "address": ("char *p = malloc(3); return p[argc + 2];",
                "heap-buffer-overflow"),
    # Of several, the stack may still know one.
    "leak": ("for (n = 0; n < 9; n++) kept = malloc(3);"
             "kept = NULL; return 0;", "detected memory leaks"),
    "undefined": ("return (argc + 0x7ffffffe) + argc == 0;",
                  "signed integer overflow"),
    "thread": ("pthread_t t; pthread_create(&t, NULL, count, NULL);"
               "n++; pthread_join(t, NULL); return 0;", "data race"),
}
SOURCE = """\
#include <pthread.h>
#include <stdlib.h>
static int n;
void *volatile kept;
static void *count(void *arg) {{ n++; return arg; }}
int main(int argc, char **argv)
{{ (void)count(argv); {body} }}
"""


@pytest.fixture
def compiled(tmp_path):
    def compiled(fault, *flags):
        (tmp_path / "a.c").write_text(SOURCE.format(body=FAULTS[fault][0]))
        run(["gcc", "-g", *flags, "-o", tmp_path / "a", tmp_path / "a.c"])
        return tmp_path / "a"
    return compiled


@pytest.fixture
def reports(monkeypatch):
    for name in ("MT_REPORTS", *checked.OPTIONS):
        monkeypatch.setenv(name, "")
    reports = checked.Reports()
    yield reports
    reports.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_sanitizer_reports_to_us(compiled, reports, fault):
    program = compiled(fault, *(
        ["-fsanitize=thread"] if fault == "thread" else
        ["-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         "-static-libasan", "-static-libubsan"]))
    run([program], ok=(1, 23, 66))
    text = "".join(reports.take())
    assert FAULTS[fault][1] in text and "a.c:" in text
    assert reports.take() == []


def test_daemons_of_ours_run_below_the_wrapper(compiled, reports, tmp_path,
                                               monkeypatch):
    if shutil.which("valgrind") is None:
        pytest.skip("no valgrind")
    program = compiled("address")
    monkeypatch.setenv("MT_WRAP",
                       "valgrind -q --log-file=%q{MT_REPORTS}/%p")
    Process("foreign", [program], tmp_path).start().wait(30)
    assert reports.take() == []
    monkeypatch.setenv("MT_BUILD", str(tmp_path))
    Process("ours", [program], tmp_path).start().wait(30)
    [text] = reports.take()
    assert "Invalid read of size 1" in text


def test_a_report_fails_the_test_in_which_it_came(root, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import os, pathlib\n"
        "def test_with():\n"
        "    p = pathlib.Path(os.environ['MT_REPORTS'], 'report.1')\n"
        "    p.write_text('a data race')\n"
        "def test_without():\n"
        "    pass\n")
    done = run([sys.executable, "-m", "pytest", "-p", "tests.conftest",
                "-p", "no:cacheprovider", "--rootdir", tmp_path,
                tmp_path], ok=(1,), cwd=root,
               env={**os.environ, "PYTHONPATH": str(root)})
    assert "2 passed, 1 error" in done.stdout
    assert "a data race" in done.stdout
    assert re.search(r"ERROR \S*test_it.py::test_with\b", done.stdout)
