# SPDX-License-Identifier: BSD-2-Clause
"""Sum the JUnit files of ctest and pytest into one line.

    totals.py [--also-failed N] [--also-passed N] DIRECTORY

prints the names of what failed or was skipped, then "N passed, N failed" (and
how many were skipped, where that is allowed). Exit 1 when anything failed,
or nothing passed.
"""

import argparse
import os
import pathlib
import sys
import xml.etree.ElementTree as ET


def outcome(case):
    """passed, failed or skipped, as ctest or pytest wrote it."""
    if case.find("failure") is not None or case.find("error") is not None \
            or case.get("status") == "fail":
        return "failed"
    if case.get("status") == "disabled":
        return "disabled"
    if case.find("skipped") is not None or case.get("status") == "notrun":
        return "skipped"
    return "passed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--also-failed", type=int, default=0)
    parser.add_argument("--also-passed", type=int, default=0)
    parser.add_argument("directory", type=pathlib.Path)
    options = parser.parse_args()
    skips_fail = os.environ.get("MT_SKIPS_FAIL") == "1"
    counts = {"passed": options.also_passed, "failed": options.also_failed,
              "skipped": 0, "disabled": 0}
    for path in sorted(options.directory.glob("*.xml")):
        for case in ET.parse(path).iter("testcase"):
            what = outcome(case)
            if what == "skipped" and skips_fail:
                what = "failed"
            counts[what] += 1
            if what in ("failed", "skipped"):
                print(f"{what}: {path.stem}: {case.get('classname')} "
                      f"{case.get('name')}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()
