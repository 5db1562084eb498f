# SPDX-License-Identifier: BSD-2-Clause
"""Everything that is meant to happen to messages, one function a fate; the
number is how many of a thousand have it, about.

The words are those of lib/base/words.def, set status. A seed's messages depend
on the order of the fates, and so on that of these modules.
"""

from . import delivery  # noqa: F401  each puts its fates into FATES
from . import refusal  # noqa: F401
from . import change  # noqa: F401
from . import names  # noqa: F401
from . import kept  # noqa: F401
