# SPDX-License-Identifier: BSD-2-Clause
"""What packaging/quickstart does once all is installed and built.

    quickstart.py start [FILE.eml]    servers, one message, its trail
    quickstart.py stop

The private servers are those of the tests (tests/lib). var/running.json says
what was started, each process by pid and start time, so that only those are
ever ended.
"""

import email
import email.policy
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
from email.utils import getaddresses, make_msgid

import dkim

from tests.lib.client import html_message, send
from tests.lib.process import (Failed, Lab, Process, end, run, start_time,
                               user, wait_for)
from tests.lib.system import AGENT, SENDER, System, pixel_path

VAR = pathlib.Path("var")
RUNNING = VAR / "running.json"
BUILD = pathlib.Path("build/quickstart").resolve()
RECIPIENT = "bob@example.com"


def say(what, text):
    print(f"{what:10} {text}", flush=True)


def make_var():
    """./var, or a link there to where Postfix and MariaDB can reach it.

    They give up root, so every directory above must let them through; and a
    Unix socket's path has at most 107 bytes.
    """
    VAR.mkdir(exist_ok=True)
    real = VAR.resolve()
    reachable = len(str(real)) < 60
    nobody = user("nobody")
    if reachable:
        reachable = subprocess.run(
            ["test", "-x", real], check=False, user=nobody.pw_uid,
            group=nobody.pw_gid, extra_groups=[]).returncode == 0
    if not reachable:
        if not any(VAR.iterdir()):
            VAR.rmdir()
            VAR.symlink_to(tempfile.mkdtemp(prefix="mailtrail-",
                                            dir="/var/tmp"))
            real = VAR.resolve()
        say("var", f"./var is a link to {real}: Postfix and MariaDB give up "
            "root and could not reach it here")
    return real


def running():
    """What an earlier run started, if all of it still runs; else None."""
    try:
        state = json.loads(RUNNING.read_text())
    except FileNotFoundError:
        return None
    alive = [start_time(p["pid"]) == p["since"] for p in state["processes"]]
    return state if alive and all(alive) else None


def binaries():
    """Changes when something was built anew."""
    return max(p.stat().st_mtime_ns for p in BUILD.glob("*/mailtrail*")
               if p.is_file())


def stop():
    try:
        state = json.loads(RUNNING.read_text())
    except FileNotFoundError:
        return
    ended = []
    for process in reversed(state["processes"]):
        if end(process["pid"], process["since"]):
            ended.append(process["name"])
    RUNNING.unlink()
    say("stop", "ended " + ", ".join(ended) if ended
        else "nothing was running any more")


def start_servers():
    """Start everything; returns what the rest must know, kept in var."""
    Process.outlive = True
    lab = Lab(make_var())
    started = []

    def said(what, text, processes):
        say(what, text)
        started.extend(p.started() for p in processes)
        RUNNING.write_text(json.dumps({"processes": started}))

    try:
        system = System(lab, BUILD, whole=True).start(said)
    except BaseException:
        lab.close()
        RUNNING.unlink(missing_ok=True)
        raise
    wrapper = VAR / "bin/mailtrail"
    wrapper.parent.mkdir(exist_ok=True)
    command = shlex.join([f"{BUILD}/ctl/mailtrail", "-c",
                          system.ours.conf("mailtrail")])
    wrapper.write_text(f"#!/bin/sh\nexec {command} \"$@\"\n")
    wrapper.chmod(0o755)
    state = {
        "processes": started, "binaries": binaries(),
        "smtp": system.postfix.port, "pixel": system.nginx.url,
        "sink": system.sink.mail, "redis": system.redis.socket,
        "mariadb": system.mariadb.socket,
        "dkim_record": system.rspamd.record,
    }
    RUNNING.write_text(json.dumps(state))
    return state


def mailtrail(*args, ok=(0,)):
    return run([VAR.resolve() / "bin/mailtrail", *args], ok=ok).stdout


def read_message(path):
    """(sender, recipients, Message-ID, bytes) of a file, or of a sample."""
    if path is None:
        message_id = make_msgid(domain="example.org")
        return SENDER, [RECIPIENT], message_id, html_message(
            message_id, SENDER, [RECIPIENT], "Hello from the quickstart",
            "Hello, Bob. Did you see this?")
    data = pathlib.Path(path).read_bytes()
    data = re.sub(rb"\r?\n", b"\r\n", data)
    m = email.message_from_bytes(data, policy=email.policy.compat32)
    sender = [a for _, a in getaddresses(m.get_all("From", []))
              if "@" in a] or [SENDER]
    recipients = [a for _, a in getaddresses(
        m.get_all("To", []) + m.get_all("Cc", [])) if "@" in a]
    message_id = m.get("Message-ID")
    if message_id is None:
        message_id = make_msgid(domain="example.org")
        data = f"Message-ID: {message_id}\r\n".encode() + data
    return sender[0], recipients or [RECIPIENT], message_id.strip(), data


def wait_trail(queue_id, what, has):
    wait_for(lambda: any(has(t) for t in json.loads(mailtrail(
        "trail", queue_id, "--json", ok=(0, 1)))), 30, what)


def send_one(state, given):
    """Send, deliver, verify, fetch; (queue id, sender)."""
    sender, recipients, message_id, data = read_message(given)
    mailtrail("track", "set", "mailbox", sender, "identified")
    say("policy", f"mailtrail track set mailbox {sender} identified")
    # The milter looks for another policy at most once a second.
    written = (VAR / "mailtrail/policy.snapshot").stat().st_mtime
    wait_for(lambda: time.time() > written + 1.1, 5, "the milter to look")
    queue_id = send(state["smtp"], data, sender, recipients)
    say("send", f"{given or 'a message'} from {sender} to "
        f"{', '.join(recipients)}: queued as {queue_id}")
    index = pathlib.Path(state["sink"]) / "index.jsonl"

    def delivered():
        if not index.exists():
            return None
        copies = [json.loads(line) for line in
                  index.read_text().splitlines()]
        return [c for c in copies if c["message_id"] == message_id
                and c["queue_id"] == queue_id]

    copy = wait_for(delivered, 30, "the delivered copy")[0]
    copy_path = pathlib.Path(state["sink"]) / copy["file"]
    copied = copy_path.read_bytes()
    record = state["dkim_record"].encode()
    holds = dkim.verify(copied, dnsfunc=lambda name, timeout=5: record)
    say("delivered", f"{copy_path}, DKIM signature "
        f"{'holds' if holds else 'DOES NOT HOLD'}")
    wait_trail(queue_id, "every attempt in the trail",
               lambda t: t["removed_at"] and t["verdict"] and t["attempts"])
    path = pixel_path(copied)
    if path is None:
        say("pixel", "the message was not marked; the trail says why")
        return queue_id, sender
    url = state["pixel"] + path
    got = run(["curl", "-s", "-A", AGENT, "-o", os.devnull, "-w",
               "%{http_code} %{size_download}", url]).stdout
    say("pixel", f"GET {url}: {got.replace(' ', ', ')} bytes")
    wait_trail(queue_id, "the open in the trail", lambda t: t["seen"])
    return queue_id, sender


def finish(state, queue_id, sender):
    print()
    print(mailtrail("trail", queue_id), end="")
    print(f"""
addresses
  submission  127.0.0.1:{state['smtp']}
  pixel       {state['pixel']}/i/
  mariadb     mariadb -S {state['mariadb']} -u root mailtrail
  redis       redis-cli -s {state['redis']} XINFO STREAM mailtrail:events
  delivered   {state['sink']}
  logs        {VAR.resolve()}/mailtrail/*.log

next
  var/bin/mailtrail trail {sender}
  var/bin/mailtrail trail --lines {queue_id}
  var/bin/mailtrail doctor --postfix-config var/postfix/conf
  packaging/quickstart --message YOUR.eml

packaging/quickstart stop ends all of it.""")


def main():
    if sys.argv[1] == "stop":
        stop()
        return
    state = running()
    if state is not None and state.get("binaries") == binaries():
        say("running", "since an earlier run: used as it is")
    else:
        stop()
        state = start_servers()
    queue_id, sender = send_one(
        state, sys.argv[2] if len(sys.argv) > 2 else None)
    finish(state, queue_id, sender)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"quickstart: {error}")
