#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run one dialogue of miltertest(8) with the milter; exit 77 without it.

    run.py MILTER MILTER_LAB DIALOGUE.lua

The dialogue's comments say what else is to be:

    -- OPTION name=value       for the milter; {dir} is its directory, {root}
                               the source tree
    -- HOOK line of Lua        its policy hook, hook.lua in its directory
    -- BEFORE shell command    run in its directory before it starts
    -- EVENT name field=value field ~regular-expression !field ...
    -- EACH n regular expression  n events whose lines match
    -- LOG regular expression  a line it may log beside info

Every event in the spool must be matched by an EVENT line and every EVENT line
by an event, in this order; fields not named are free, !field must be absent.
With EACH the order is free, but every event must match one of those lines.
The milter has to end with 0 within two seconds of SIGTERM.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def comments(path, word):
    with open(path, encoding="utf-8") as f:
        return re.findall(rf"^-- {word} (.*)$", f.read(), re.M)


def matches(want, got):
    """want: words of an EVENT line; got: an event's line."""
    words = want.split()
    name, _, rest = got.partition(" ")
    if words[0] != name:
        return False
    for word in words[1:]:
        if word.startswith("!"):
            if re.search(rf"(^| ){re.escape(word[1:])}=", rest):
                return False
        elif "~" in word and "=" not in word.split("~")[0]:
            field, _, pattern = word.partition("~")
            if not re.search(rf"(^| ){re.escape(field)}={pattern}( |$)",
                             rest):
                return False
        elif not re.search(rf"(^| ){re.escape(word)}( |$)", rest):
            return False
    return True


def check_each(wanted, events):
    problems, rest = [], events
    for line in wanted:
        number, _, pattern = line.partition(" ")
        found = [e for e in rest if re.fullmatch(pattern, e)]
        rest = [e for e in rest if e not in found]
        if len(found) != int(number):
            problems.append(f"{len(found)} of {line}")
    return problems + [f"not wanted: {e}" for e in rest]


def check_events(dialogue, events):
    each = comments(dialogue, "EACH")
    if each:
        return check_each(each, events)
    wanted = comments(dialogue, "EVENT")
    problems = [f"not as wanted: {got}\n       wanted: {want}"
                for want, got in zip(wanted, events)
                if not matches(want, got)]
    if len(wanted) != len(events):
        problems.append(f"{len(wanted)} events wanted, these are "
                        f"{len(events)}:\n  " + "\n  ".join(events))
    return problems


def check_log(dialogue, log):
    allowed = comments(dialogue, "LOG")
    problems = [f"logged: {line}" for line in log.splitlines()
                if not re.match(r"<[67]>", line)
                and not any(re.search(a, line) for a in allowed)]
    problems += [f"not logged: {a}" for a in allowed
                 if not re.search(a, log, re.M)]
    return problems


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return ["did not stop within ten seconds"]
    return [f"ended with {code}"] if code != 0 else []


def wait_for_socket(process, path):
    end = time.monotonic() + 20
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def main(milter, lab, dialogue):
    if shutil.which("miltertest") is None:
        print("miltertest is not installed")
        return 77
    here = os.path.dirname(os.path.abspath(dialogue))
    with tempfile.TemporaryDirectory(prefix="mt-milter-") as directory:
        subprocess.run([lab, "make", directory], check=True)
        for command in comments(dialogue, "BEFORE"):
            subprocess.run(command, shell=True, check=True, cwd=directory)
        socket = f"{directory}/socket"
        options = [f"listen=unix:{socket}", "host=mx.example.org",
                   "pixel_url=https://open.example.org",
                   f"policy_snapshot={directory}/policy.snapshot",
                   f"token_keys={directory}/token.keys",
                   f"spool_dir={directory}/spool"]
        hook = comments(dialogue, "HOOK")
        if hook:
            with open(f"{directory}/hook.lua", "w", encoding="utf-8") as f:
                f.write("\n".join(hook) + "\n")
            options.append(f"hook={directory}/hook.lua")
        root = os.path.dirname(os.path.dirname(here))
        options += [o.replace("{dir}", directory).replace("{root}", root)
                    for o in comments(dialogue, "OPTION")]
        os.makedirs(f"{directory}/spool", exist_ok=True)
        argv = [milter, "-c", "/dev/null"]
        for option in options:
            argv += ["-o", option]
        with open(f"{directory}/log", "wb") as log:
            process = subprocess.Popen(argv, stderr=log)
        problems = []
        try:
            if wait_for_socket(process, socket):
                test = subprocess.run(
                    ["miltertest", "-s", dialogue, "-D",
                     f"socket=unix:{socket}", "-D", f"here={here}",
                     "-D", f"dir={directory}", "-D", f"pid={process.pid}"],
                    capture_output=True, text=True, timeout=60)
                if test.returncode != 0 or test.stderr:
                    problems.append(test.stdout + test.stderr)
            else:
                problems.append("the milter did not start")
        finally:
            problems += stop(process)
        events = subprocess.run([lab, "events", directory], check=True,
                                capture_output=True).stdout
        problems += check_events(
            dialogue, events.decode("utf-8", "replace").splitlines())
        with open(f"{directory}/log", encoding="utf-8",
                  errors="replace") as f:
            problems += check_log(dialogue, f.read())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
