# SPDX-License-Identifier: BSD-2-Clause
"""Prometheus counters that a log must come to: postfix_exporter's.

Its severities, and texts that its sample configuration groups, are its own;
everything else is counted again from our events and shapes.
"""

import collections
import re

from .parsed import parse, read_bytes
from .sets import Check

SAMPLE = re.compile(r'^(postfix_\w+?)(?:\{(.*)\})? ([\d.]+)$')
LABEL = re.compile(r'(\w+)="([^"]*)"')
TAG = re.compile(r" (?:[\w-]+/)+([\w-]+)\[\d+\]: (.*)$")
SCREENED = re.compile(r"(NOQUEUE: )?(?:reject: )?([A-Z][A-Z -]*[A-Z])(?= )")
SEVERITY = re.compile(r"(?:(warning|error|fatal|panic): )?")
# Metrics whose lines are silent for us: which shape each is.
SHAPES = {"connect": "postfix_connects_total",
          "disconnect": "postfix_disconnects_total",
          "lost_unqueued": "postfix_lost_connections_total"}
STAGES = {"rcpt": "RCPT", "connect": "CONNECT"}


def screened(text):
    """The action of a postscreen line, as the exporter names it."""
    found = SCREENED.match(text)
    return (found[1] or "") + found[2] if found else None


class Counting:
    """Our own counters of a log."""

    def __init__(self, lines):
        self.total = collections.Counter()
        for line in lines.values():
            self.line(line)

    def add(self, name, n=1, **labels):
        self.total[(name, frozenset(labels.items()))] += n

    def line(self, line):
        found = TAG.search(line.text)
        program, text = found.groups() if found else (None, "")
        if line.kind in ("foreign", "damaged"):
            self.add("postfix_unsupported_total")
        else:
            self.add("postfix_logs_total", subprogram=program,
                     severity=SEVERITY.match(text)[1] or "info")
        if line.shape in SHAPES:
            self.add(SHAPES[line.shape], subprogram=program)
        if line.shape == "severity_warning" and "not resolve" in text:
            self.add("postfix_not_resolved_hostnames_total",
                     subprogram=program)
        if line.shape.startswith("postscreen_"):
            action = screened(text)
            if action:
                self.add("postfix_postscreen_actions_total", action=action)
        for kind, fields in line.events:
            getattr(self, kind)(program, fields)

    def queue(self, program, f):
        self.add(f"postfix_{program}_statuses_total", status=f["step"])

    def auth(self, program, f):
        self.add("postfix_login_failures_total", subprogram=program,
                 method=f["method"])

    def deliver(self, program, f):
        labels = {"subprogram": program, "status": f["outcome"]}
        self.add("postfix_statuses_total", **labels)
        self.add("postfix_delay_seconds_count", **labels)
        self.add("postfix_delay_seconds_sum", int(f["delay"]) / 1000,
                 **labels)
        if "code" in f:
            self.add("postfix_status_replies_total", **labels,
                     code=f["code"], enhanced_code=reply_dsn(f["text"]))

    def reject(self, program, f):
        if f["judge"] == "milter":
            self.add("postfix_milter_actions_total", subprogram=program,
                     action=f["action"])
        elif f["judge"] == "smtpd" and "queue_id" not in f:
            self.add("postfix_noqueue_reject_replies_total",
                     subprogram=program, code=f.get("code", ""),
                     command=STAGES.get(f.get("stage"), ""),
                     enhanced_code=f.get("dsn", ""))


def reply_dsn(text):
    found = re.search(r"\b\d{3}[ -]#?(\d\.\d+\.\d+)\b", text)
    return found[1] if found else ""


def wanted(path):
    total = collections.Counter()
    for line in path.read_text().splitlines():
        found = SAMPLE.match(line)
        if not found or 'quantile="' in line:
            continue
        labels = dict(LABEL.findall(found[2] or ""))
        labels.pop("text", None)
        total[(found[1], frozenset(labels.items()))] += float(found[3])
    return total


def exporter(build, directory):
    for path in sorted(directory.glob("metrics-*.txt")):
        lines = parse(build, read_bytes(directory / "mail.log"),
                      "2026-12-01T00:00:00Z")
        ours = Counting(lines).total
        for (name, labels), value in sorted(
                wanted(path).items(), key=lambda c: (c[0][0],
                                                     sorted(c[0][1]))):
            shown = " ".join(f"{k}={v}" for k, v in sorted(labels))
            yield Check(f"{path.name}: {name} {shown}".strip(), value,
                        round(float(ours[(name, labels)]), 6), None)
