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
import subprocess
import sys
import tempfile

from email.utils import getaddresses, make_msgid

from tests.lib.process import (Failed, Lab, Process, end, run, start_time,
                               user, wait_for)

VAR = pathlib.Path("var")
RUNNING = VAR / "running.json"
BUILD = pathlib.Path("build/quickstart").resolve()
SENDER, RECIPIENT = "alice@example.org", "bob@example.com"
AGENT = ("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 "
         "Thunderbird/115.5.0")


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
    from tests.lib.mailtrail import Mailtrail
    from tests.lib.mariadb import MariaDB
    from tests.lib.nginx import Nginx
    from tests.lib.postfix import Postfix, milter
    from tests.lib.redis import Redis
    from tests.lib.rspamd import Rspamd
    from tests.lib.sink import Sink

    Process.outlive = True
    lab = Lab(make_var())
    started = []

    def note(server):
        started.append(getattr(server, "process", server).started())
        RUNNING.write_text(json.dumps({"processes": started}))
        return server

    redis = note(Redis(lab).start())
    say("redis", f"unix:{redis.socket}, append-only file")
    mariadb = note(MariaDB(lab).start())
    say("mariadb", f"unix:{mariadb.socket}")
    pixel_socket = lab.path("mailtrail", "run", "pixel.sock")
    nginx = Nginx(lab, locations=Nginx.fastcgi(pixel_socket))
    note(nginx.start())
    say("nginx", f"{nginx.url}/i/ to mailtrail-pixel by FastCGI")
    ours = Mailtrail(lab, BUILD, redis, mariadb, nginx.url)
    ours.prepare()
    say("mailtrail", "database schema, token key")
    ours.start()
    for daemon in ours.daemons.values():
        note(daemon)
    say("mailtrail", "milter, ship, collector, pixel are ready")
    sink = note(Sink(lab).start())
    say("sink", f"127.0.0.1:{sink.port} takes what Postfix delivers")
    rspamd = note(Rspamd(lab).start())
    say("rspamd", f"127.0.0.1:{rspamd.port} signs with DKIM, behind our "
        "milter")
    postfix = note(Postfix(lab, sink=sink.port, milters=[
        milter(ours.milter_socket), rspamd.milter]).start())
    say("postfix", f"127.0.0.1:{postfix.port}, a submission port whose "
        f"clients count as {SENDER}")
    wrapper = VAR / "mailtrail"
    wrapper.write_text(f"#!/bin/sh\nexec {BUILD}/ctl/mailtrail "
                       f"-c {ours.conf('mailtrail')} \"$@\"\n")
    wrapper.chmod(0o755)
    state = {
        "processes": started, "binaries": binaries(),
        "smtp": postfix.port, "pixel": nginx.url, "sink": sink.mail,
        "redis": redis.socket, "mariadb": mariadb.socket,
        "dkim_record": rspamd.record, "dkim_selector": rspamd.selector,
    }
    RUNNING.write_text(json.dumps(state))
    return state


def mailtrail(*args, ok=(0,)):
    return run([VAR.resolve() / "mailtrail", *args], ok=ok).stdout


def read_message(path):
    """(sender, recipients, Message-ID, bytes) of a file, or of a sample."""
    from tests.lib.client import html_message
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


def pixel_url(data, base):
    """The pixel's address in a delivered message, None if not marked."""
    m = email.message_from_bytes(data, policy=email.policy.default)
    for part in m.walk():
        if part.get_content_type() == "text/html":
            html = part.get_payload(decode=True).decode("utf-8", "replace")
            found = re.search(re.escape(base) + r"/i/[A-Za-z0-9_-]+\.gif",
                              html)
            if found:
                return found[0]
    return None


def send_one(state, path):
    """Send, deliver, verify, fetch; the queue id."""
    import dkim

    from tests.lib.client import send
    sender, recipients, message_id, data = read_message(path)
    mailtrail("track", "set", "mailbox", sender, "identified")
    say("policy", f"mailtrail track set mailbox {sender} identified")
    queue_id = send(state["smtp"], data, sender, recipients)
    say("send", f"{path or 'a message'} from {sender} to "
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
    url = pixel_url(copied, state["pixel"])
    if url is None:
        say("pixel", "the message was not marked; the trail says why")
        return queue_id
    got = run(["curl", "-s", "-A", AGENT, "-o", os.devnull, "-w",
               "%{http_code} %{size_download}", url]).stdout
    say("pixel", f"GET {url}: {got.replace(' ', ', ')} bytes")
    wait_for(lambda: re.search(r"\bopen", mailtrail(
        "trail", queue_id, ok=(0, 1))), 30, "the open in the trail")
    return queue_id


def finish(state, queue_id):
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
  var/mailtrail trail {SENDER}
  var/mailtrail doctor
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
        try:
            state = start_servers()
        except BaseException:
            stop()
            raise
    queue_id = send_one(state, sys.argv[2] if len(sys.argv) > 2 else None)
    finish(state, queue_id)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"quickstart: {error}")
