# SPDX-License-Identifier: BSD-2-Clause
"""The rows, in the order of the table.

A row is a module with NAME, ABOUT, LONG (left out with --quick) and
measure(bench), which returns Results; bench is bench/run's Bench.
"""

from . import (hostile, importing, inject, markup, memory, pixel, retention,
               rspamd, spool, store, view, work)

ROWS = (inject, markup, hostile, spool, store, importing, pixel, rspamd, view,
        retention, memory, work)
