# SPDX-License-Identifier: BSD-2-Clause
"""Samples of others that come with what their own tests expect of them.

A reader takes a directory and yields a Check for each expectation in it. It
goes by what files hold, not by who made them.
"""

import collections
import configparser
import csv
import datetime
import json
import re

from .parsed import parse, read_bytes

# name: the file; expected, got: to be equal; line: the one it is about, when
# it is about one.
Check = collections.namedtuple("Check", "name expected got line")

REFUSALS = ("auth", "reject", "ban")


def clients(line):
    """Addresses that a line's refusals and failed logins are of."""
    return {e.fields.get("client") or e.fields.get("net")
            for e in line.events if e.kind in REFUSALS}


# fail2ban: "# failJSON: {...}" above each line. Its tests live in August 2005.

FAIL_JSON = re.compile(rb"^# failJSON: (\{.*\})\s*$")
FAIL_NOW = "2005-08-14T12:00:00Z"


def when(text):
    """2005-03-7T02:09:33 as ours are written."""
    at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    return at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def fail_wanted(expected):
    if not expected["match"]:
        # Which offences count is the jail's choice; the line is known.
        return {"known": True}
    wanted = {"host": expected["host"]}
    if "time" in expected:
        wanted["time"] = when(expected["time"])
    if "user" in expected:
        wanted["user"] = expected["user"]
    return wanted


def fail_got(line, wanted):
    if "known" in wanted:
        return {"known": line.kind in ("event", "silent")}
    for event in line.events:
        if event.kind in REFUSALS:
            fields = event.fields
            got = {"host": fields.get("client") or fields.get("net"),
                   "time": fields["at"], "user": fields.get("user")}
            return {name: got[name] for name in wanted}
    return {}


def fail2ban(build, directory):
    for path in sorted(directory.iterdir()):
        text = read_bytes(path)
        if b"# failJSON:" not in text:
            continue
        lines = parse(build, text, FAIL_NOW)
        expected = None
        for number, raw in enumerate(text.split(b"\n"), 1):
            found = FAIL_JSON.match(raw)
            if found:
                expected = json.loads(found[1])
            elif expected and raw and not raw.startswith(b"#"):
                wanted = fail_wanted(expected)
                yield Check(path.name, wanted,
                            fail_got(lines[number], wanted), lines[number])
                expected = None


# OSSEC: an .ini with log lines, and the decoder and rule that take each.

def ossec(build, directory):
    for path in sorted(directory.glob("*.ini")):
        tests = configparser.RawConfigParser(strict=False)
        tests.read_string(read_bytes(path).decode())
        for test in tests.sections():
            for name, log in tests.items(test):
                if not name.startswith("log "):
                    continue
                line = parse(build, log.encode(), "2020-12-31T00:00:00Z")[1]
                # The reject decoder finds an address, the other only says
                # that it is a line of Postfix.
                if tests.get(test, "decoder") == "postfix-reject":
                    client = re.search(r"from \S*?\[([^\]]+)\]", log)[1]
                    yield Check(path.name, {client}, clients(line), line)
                else:
                    yield Check(path.name, True,
                                line.kind in ("event", "silent"), line)


# CrowdSec: expressions about what its parser, or a scenario, came to.

PARSED = re.compile(r'^results\["s01-parse"\]\["[^"]*"\]\[(\d+)\]'
                    r'\.Evt\.(Parsed|Meta)\["(\w+)"\] == "(.*)"$')
SOURCE = re.compile(r'^"([^"]+)" in results\[\d+\]\.Overflow\.GetSources')
META = re.compile(r'^results\[0\]\.Overflow\.Alert\.Events\[(\d+)\]'
                  r'\.GetMeta\("(\w+)"\) == "(.*)"$')
OURS = {"source_ip": "client", "remote_addr": "client", "from": "sender",
        "to": "rcpt", "helo": "helo", "proto": "proto", "action": "action",
        "smtp_basic_status_code": "code", "smtp_enhanced_status_code": "dsn",
        "timestamp": "at"}


def crowdsec_checks(path, lines, text):
    order = list(lines.values())
    named = [client for line in order for client in clients(line)]
    for expression in text.splitlines():
        expression = expression.replace("\\\\", "\\")
        if found := SOURCE.match(expression):
            yield Check(path.name, True, found[1] in named, None)
        elif found := PARSED.match(expression) or META.match(expression):
            at, name, value = int(found[1]), found[found.re.groups - 1], found[
                found.re.groups]
            if name not in OURS or (
                    name == "timestamp" and "T" not in value):
                continue
            line = order[at]
            got = [e.fields.get(OURS[name]) for e in line.events]
            yield Check(path.name, (name, value),
                        (name, got[0] if got else None), line)


def crowdsec(build, directory):
    for path in sorted(directory.glob("*.assert")):
        prefix = path.name.partition("__")[0]
        log = next(directory.glob(f"{prefix}__*.log"))
        lines = parse(build, read_bytes(log), "2026-12-01T00:00:00Z")
        yield from crowdsec_checks(path, lines, path.read_text())


# maillogger: deliveries as JSON.

def maillogger_got(event):
    f = event.fields
    delays = [f.get("delay_" + part) for part in (
        "before", "queue", "connect", "send")]
    return {"mail_id": f["queue_id"], "to_address": f["rcpt"],
            "relay": f["relay"], "delay": int(f["delay"]),
            "delays": [int(d or 0) for d in delays], "dsn": f["dsn"],
            "status": f["outcome"], "description": f["text"],
            "datetime": re.sub(r"\D", "", f["at"])[:14]}


def maillogger(build, directory):
    for path in sorted(directory.glob("records.json")):
        lines = parse(build, read_bytes(directory / "maillog"),
                      "2020-12-31T00:00:00Z")
        got = {e.fields["queue_id"]: (line, maillogger_got(e))
               for line in lines.values() for e in line.events
               if e.kind == "deliver"}
        for record in json.loads(path.read_text()):
            wanted = dict(record, delay=milliseconds(record["delay"]),
                          delays=[milliseconds(d) for d in
                                  record["delays"].split("/")])
            line, ours = got.get(record["mail_id"], (None, None))
            yield Check(path.name, wanted, ours, line)


def milliseconds(seconds):
    return round(float(seconds) * 1000)


# A table of deliveries: file, line, and what stands in it.

def delivered(line):
    """What we have of a row, in its words."""
    for kind, f in line.events:
        if kind == "deliver":
            return {"queue_id": f["queue_id"], "to": f["rcpt"],
                    "orig_to": f.get("orig_to", ""),
                    "relay": f.get("relay", ""),
                    "delay": int(f.get("delay", 0)), "dsn": f.get("dsn", ""),
                    "status": f["outcome"], "response": f.get("text", "")}
        if kind == "queue":
            return {"queue_id": f["queue_id"],
                    "status": f["step"].replace("_", "-")}
    return None


def derived_wanted(row):
    if not row["to"]:
        return {"queue_id": row["queue_id"], "status": row["status"]}
    wanted = {name: row[name] for name in (
        "queue_id", "to", "orig_to", "relay", "delay", "dsn", "status",
        "response")}
    # Ours are milliseconds, of which 0 is not told from none.
    wanted["delay"] = milliseconds(row["delay"] or 0)
    wanted["status"] = row["status"].lower()
    return wanted


# Marks of an anonymiser behind queue ids, and a test's place for its day.
NOT_LOGGED = re.compile(rb"(?<=[0-9A-F]{6})XXXX\b|^%\(day\)s(?= )", re.M)


def as_logged(text):
    return NOT_LOGGED.sub(
        lambda found: b"Nov 16" if found[0][:1] == b"%" else b"", text)


def deliveries(build, root):
    for path in sorted(root.glob("*.tsv*")):
        parsed = {}
        table = read_bytes(path).decode(errors="replace").splitlines()
        for row in csv.DictReader(table, delimiter="\t",
                                  quoting=csv.QUOTE_NONE):
            log = root / row["file"]
            if not log.exists():
                continue
            if log not in parsed:
                parsed[log] = parse(build, as_logged(read_bytes(log)),
                                    "2026-12-01T00:00:00Z")
            line = parsed[log].get(int(row["line"]))
            row["queue_id"] = row["queue_id"].replace("XXXX", "")
            wanted = derived_wanted(row)
            yield Check(f"{path.name}: {row['file']}", wanted,
                        line and delivered(line), line)
