# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` on a whole system: all is well, and then it is not.

What it says of each single fault: tests/flow/test_ctl_doctor.py.
"""

import json


def doctor(system, ok=(0,)):
    done = system.ours.command("doctor", "--json", ok=ok)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_healthy_system_and_then_a_stopped_milter(own_system):
    said = doctor(own_system)
    assert [c for c in said["checks"] if c["state"] != "ok"] == []
    steps = {c["step"] for c in said["checks"]}
    assert steps == {"config", "socket", "postfix", "keys", "spool",
                     "redis", "clock", "mariadb", "schema", "policy",
                     "pixel"}
    # The fetch it made is an event like any other, of no message.
    own_system.wait_stored()
    assert own_system.query("SELECT COUNT(*) FROM ev_open") == ((1,),)
    assert own_system.query("SELECT COUNT(*) FROM v_open") == ((0,),)
    own_system.ours.daemons["milter"].stop()
    failing = [c for c in doctor(own_system, ok=(1,))["checks"]
               if c["state"] == "FAIL"]
    assert {c["step"] for c in failing} <= {"socket", "postfix"}
    assert any(c["found"].startswith("mailtrail-milter is not running: ")
               for c in failing)
