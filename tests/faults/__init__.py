# SPDX-License-Identifier: BSD-2-Clause
"""Everything broken on purpose, under load, and what must hold all the same.

    load.py       clients that send and readers that open: one side's truth
    copies.py     what the sink was given: the other side's
    witness.py    what was accepted into the spool, read by other code
    logged.py     what Postfix's log says, read by other code
    reports.py    mail that bounces, and the way of its reports
    verdict.py    all three and MariaDB compared
    scene.py      the servers, supervised as systemd would
    supervisor.py what systemd does with our units
    fault.py      what a fault is; catalogue.py has them all, and what each
                  does stands in *_faults.py
    rounds.py     load, one fault, comparison
    soak.py       the same for an hour, with random ones
    run           the command: tests/faults/run --help

docs/reliability.md says which promise is tried by what.
"""
