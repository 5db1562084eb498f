# SPDX-License-Identifier: BSD-2-Clause
"""Pairs, and what may be said of them.

A yardstick and ours are measured in turn (A B A B ...), so that whatever else
the machine does meets both. The ratio is taken within each pair; the median
of these ratios is the result and their smallest and largest is its spread.
A goal is met or missed by the median; when the 95 % interval of the median
(by order statistics, no assumption about the noise) has the goal inside, the
verdict says so: "unsure".
"""

import math
import statistics
from dataclasses import dataclass, field


@dataclass
class Goal:
    """At most or at least a number."""
    sign: str  # "<=" or ">="
    value: float

    def met(self, value):
        return value <= self.value if self.sign == "<=" \
            else value >= self.value


@dataclass
class Result:
    """One line of the table.

    With theirs, the goal is about ours/theirs, both in `unit`; without, it is
    about ours itself.
    """
    row: str
    what: str
    against: str
    unit: str
    ours: list
    theirs: list = None
    goal: Goal = None
    notes: list = field(default_factory=list)

    def values(self):
        """What the goal is about, one a pair."""
        if self.theirs is None:
            return list(self.ours)
        return [o / t for o, t in zip(self.ours, self.theirs)]

    def verdict(self):
        if self.goal is None:
            return "-"
        values = self.values()
        verdict = "met" if self.goal.met(statistics.median(values)) \
            else "missed"
        low, high = interval(values)
        if self.goal.met(low) != self.goal.met(high):
            verdict += ", unsure"
        return verdict


def interval(values):
    """Bounds of the median that hold with at least 95 %, if so many exist.

    Of n values in order, the median of their source lies between the k-th
    from each end but for a chance of 2 * P(Binomial(n, 1/2) < k).
    """
    values = sorted(values)
    n = len(values)
    k, chance = 0, 0.0
    while k < n // 2:
        chance += 2 * math.comb(n, k) / 2 ** n
        if chance > 0.05:
            break
        k += 1
    k = max(k, 1)
    return values[k - 1], values[n - k]


def pairs(n, ours, theirs, settle=None):
    """Call theirs and ours in turn, n times; the two lists of results.

    The first call of each is for warming up and not counted. settle is called
    before each measurement, to let the machine come to rest.
    """
    a, b = [], []
    for i in range(-1, n):
        for side, into in ((theirs, b), (ours, a)):
            if settle is not None:
                settle()
            value = side()
            if i >= 0:
                into.append(value)
    return a, b
