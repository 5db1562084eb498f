# SPDX-License-Identifier: BSD-2-Clause
"""Every fault there is: FAULTS, name -> Fault."""

# Each of these modules puts its faults into the table.
from . import (client_faults, log_faults, mariadb_faults,  # noqa: F401
               program_faults, redis_faults, report_faults, rspamd_faults,
               spool_faults)
from .fault import FAULTS  # noqa: F401
