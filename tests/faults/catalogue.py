# SPDX-License-Identifier: BSD-2-Clause
"""Every fault there is: FAULTS, name -> Fault."""

# Each of these modules puts its faults into the table.
from . import (client_faults, mariadb_faults, program_faults,  # noqa: F401
               redis_faults, spool_faults)
from .fault import FAULTS  # noqa: F401
