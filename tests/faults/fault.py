# SPDX-License-Identifier: BSD-2-Clause
"""What a fault is, and the table of them all.

A fault is a generator: it takes a scene and a random.Random, causes the
fault, yields, and puts right what nobody would put right by itself (a stopped
process is continued, a full disk has room again); it calls no command of ours.
It yields whether an operator can be expected to see it at that moment.
"""

import dataclasses
import re

FAULTS = {}  # name -> Fault, in the order of the files


@dataclasses.dataclass
class Fault:
    name: str
    does: str        # one line, for people
    cause: object    # the generator
    hold: tuple      # how long it lasts, in seconds: from, to
    log: tuple       # (program, regular expression) of what is logged
    doctor: tuple    # (step, regular expression) of what the doctor finds
    needs: dict      # what the scene must have
    plain: bool      # plain Postfix suffers from it, too
    on: tuple        # what it touches; faults on different things may meet
    more: tuple      # as log, where tail and feed are at work, too

    def fits(self, scene):
        return all(getattr(scene, n) == v for n, v in self.needs.items())

    @property
    def best(self):
        """The scene in which it is seen as a whole."""
        return {"whole": True, **self.needs} if self.more else self.needs

    def logged(self, scene):
        """What has to be logged there."""
        return self.log + self.more if scene.whole else self.log


def fault(name, hold=(0.5, 3.0), log=(), doctor=(), needs=None, plain=False,
          on=(), more=()):
    def add(cause):
        FAULTS[name] = Fault(name, cause.__doc__.split("\n")[0], cause, hold,
                             tuple(log), tuple(doctor), needs or {}, plain,
                             on or (name.split()[0],), tuple(more))
        return cause
    return add


def add_each(names, **kwargs):
    """The same fault of several programs: cause(scene, r, name)."""
    def add(cause):
        for name in names:
            def one(scene, r, name=name):
                return cause(scene, r, name)
            one.__doc__ = cause.__doc__.replace("NAME", name)
            options = {k: v.get(name) if isinstance(v, dict) and k != "needs"
                       else v for k, v in kwargs.items()}
            title = options.pop("title").replace("NAME", name)
            fault(title, **{k: v for k, v in options.items()
                            if v is not None})(one)
        return cause
    return add


def unseen(found, log, doctor, logs):
    """What an operator should have seen, and did not: a list of lines.

    found: the doctor's checks; logs: program -> what it logged meanwhile.
    """
    missing = []
    for step, pattern in doctor:
        if not any(c["step"] == step and c["state"] != "ok"
                   and re.search(pattern, c["found"]) for c in found):
            said = [f"{c['step']}: {c['found']}" for c in found
                    if c["state"] != "ok"]
            missing.append(f"doctor does not say {pattern!r} at {step}, "
                           f"but {said}")
    for program, pattern in log:
        if not re.search(pattern, logs.get(program, "")):
            missing.append(f"{program} does not log {pattern!r}, but "
                           f"{logs.get(program, '')[-2000:]!r}")
    return missing
