# SPDX-License-Identifier: BSD-2-Clause
"""What `mailtrail doctor` says, step by step."""

import os


def checks(ctl, step, *args, ok=(0, 1)):
    """(state, found, remedy) of one step's lines."""
    if "--postfix-config" not in args:
        args = (*args, "--postfix-config",
                os.path.join(ctl.directory, "postfix"))
    said = ctl.json("doctor", *args, ok=ok)
    counts = [sum(c["state"] == s for c in said["checks"])
              for s in ("ok", "warn", "FAIL")]
    assert counts == [said["ok"], said["warn"], said["fail"]]
    for c in said["checks"]:
        assert (c["remedy"] is None) == (c["state"] == "ok"), c
    return [(c["state"], c["found"], c["remedy"]) for c in said["checks"]
            if c["step"] == step]


def only(ctl, step, state, *args):
    """The one line of a step in that state."""
    found = [c for c in checks(ctl, step, *args) if c[0] == state]
    assert len(found) == 1, found
    return found[0][1:]
