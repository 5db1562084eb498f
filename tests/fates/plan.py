# SPDX-License-Identifier: BSD-2-Clause
"""The messages of a run; a seed is always the same ones."""

import random

from . import fates  # noqa: F401  puts them into FATES
from .message import FATES, Message


def message(n, name, seed):
    m = Message(n, name, random.Random(f"{seed}:{n}"))
    m.say_from("s")
    FATES[name][1](m)
    return m


def plan(count, seed):
    """`count` messages, each fate at least once, in a random order; those
    that are left at the end are sent last."""
    r = random.Random(f"fates:{seed}")
    names = list(FATES)
    weights = [FATES[n][0] for n in names]
    if count < len(names):
        raise ValueError(f"{len(names)} fates in {count} messages")
    chosen = names + r.choices(names, weights, k=count - len(names))
    r.shuffle(chosen)
    messages = [message(n, name, seed) for n, name in enumerate(chosen)]
    return sorted(messages, key=lambda m: m.left)
