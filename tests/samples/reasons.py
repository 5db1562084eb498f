# SPDX-License-Identifier: BSD-2-Clause
"""Why we mean another thing than a sample's source.

A reason holds for exactly what it says: another line, or another value of
ours, needs its own.
"""

import re

# The shape of a line that makes no event, what it holds, why it makes none.
SILENT = (
    ("disconnect", r" auth=0/\d",
     "the sums at a session's end; each failed login has its own line"),
    ("lost_unqueued", r"lost connection after",
     "the client went: nothing was refused"),
    ("postscreen_other", r"HANGUP after",
     "the client went: nothing was refused"),
    ("postscreen_other", r"PREGREET \d+ after",
     "what a test of postscreen found; what it did is another line's"),
    ("severity_warning", r"does not resolve to address",
     "a warning about a name: nothing was refused"),
    ("-", r"/\w+\[\d+\]: (?:FGHIJ67890|KLMNO11111|PQRST22222|UVWXY33333"
     r"|ZZZZZ44444|3bZLDu1V55z37Dv|1bYf6o31Hkz57Df): to=<",
     "a queue id that Postfix cannot make"),
)
# A counter, what it is for us, why.
COUNTERS = (
    (r"status=deferred subprogram=smtp$", 0,
     "lines without to=<...>: no Postfix writes such"),
    (r"logs_total .*subprogram=unknown$", 0,
     "postfix/unknown is foreign: no program of Postfix"),
    (r"unsupported_total$", 9,
     "postfix/unknown is foreign: no program of Postfix"),
    (r"smtp_replies_total ", 0,
     "what one of several hosts said: the attempt goes on with the next"),
)


def of_line(check):
    line, expected, got = check.line, check.expected, check.got
    if not got:
        for shape, pattern, why in SILENT:
            if line.shape == shape and re.search(pattern, line.text):
                return why
    elif isinstance(expected, tuple) and expected[0] == "helo" and (
            line.text.endswith(f" helo=<{got[1]}>")):
        return "theirs is what stands before the reason, not the helo"
    elif isinstance(got, dict) and expected == dict(
            got, response="(" + got.get("response", "")):
        return "the line is cut: theirs keeps the open parenthesis"
    return None


def reason(check):
    """None: there is none."""
    if check.line:
        return of_line(check)
    for pattern, value, why in COUNTERS:
        if re.search(pattern, check.name) and check.got == value:
            return why
    return None
