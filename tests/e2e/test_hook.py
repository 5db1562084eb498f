# SPDX-License-Identifier: BSD-2-Clause
"""The milter's Lua hook with a real Postfix, and down to the tables."""

import json
import re
import subprocess

import pytest

from tests.lib.client import html_message, send
from tests.lib.milter import MilterHost
from tests.lib.process import Lab
from tests.lib.system import System, html_of, pixel_path

HOOK = """
function decide(m)
  local notice = m:header("X-Notice")
  return {
    mode = m:header("X-Mode"), set = m:header("X-Set") and true,
    notice = notice,
    notice_plain = m:header("X-Plain") and m:header("X-Plain") == "yes",
    quoted = m:header("X-Quoted"),
    extra = { campaign = m:header("X-Campaign"),
              size = m:header("X-Campaign") and m.size },
  }
end
"""


def write_hook(lab, text=HOOK):
    path = lab.path("hook.lua")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


@pytest.fixture(scope="module")
def host(build, needs_root):
    with Lab() as lab:
        yield MilterHost(lab, build, options={
            "hook": write_hook(lab), "notice": "As configured."}).start()


def deliver(system, port, name, headers=(), **kwargs):
    """(queue id, delivered bytes)"""
    message_id = f"<{name}@example.org>"
    data = html_message(message_id, **kwargs)
    head = "".join(f"{h}\r\n" for h in headers).encode()
    queue_id = send(port, head + data, "alice@example.org",
                    ["bob@example.com"])
    return queue_id, system.sink.data(system.sink.wait(message_id))


def plain_of(data):
    return re.search(rb"Content-Type: text/plain.*?\r\n\r\n(.*?)\r\n--", data,
                     re.S)[1].decode()


def test_the_notice_is_the_hooks(host):
    _, data = deliver(host, host.postfix.port, "notice",
                      ["X-Notice: You are seen.", "X-Plain: yes"])
    assert "You are seen." in html_of(data)
    assert "You are seen." in plain_of(data)
    _, data = deliver(host, host.postfix.port, "html", ["X-Plain: no"])
    assert "As configured." in html_of(data)
    assert "configured" not in plain_of(data)
    _, data = deliver(host, host.postfix.port, "none", ["X-Notice:"])
    assert pixel_path(data)
    assert "configured" not in html_of(data)


def test_quoted_pixels_are_the_hooks_to_leave(host):
    _, first = deliver(host, host.postfix.port, "first")
    pixel = pixel_path(first)
    page = (f"<html><body><p>Yes.</p><blockquote>"
            f'<img src="https://open.example.org{pixel}">'
            f"</blockquote></body></html>")
    _, kept = deliver(host, host.postfix.port, "kept", ["X-Quoted: leave"],
                      html=page)
    assert pixel in html_of(kept)
    _, removed = deliver(host, host.postfix.port, "removed", html=page)
    assert pixel not in html_of(removed)
    quoted = {e["message_id"]: e.get("quoted") for e in host.events()
              if e["t"] == "offer"}
    assert quoted["kept@example.org"] is None
    assert quoted["removed@example.org"] == "1"


def test_a_file_that_cannot_be_used_is_named_by_t(host, tmp_path):
    path = tmp_path / "bad.lua"
    path.write_text("function decide(m)\n  return {{\nend\n")
    path.chmod(0o644)
    test = [*host.process.argv, "-t", "-o", f"hook={path}"]
    done = subprocess.run(test, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert done.stderr.splitlines()[-1] == (
        f"mailtrail-milter: hook: {path}:3: unexpected symbol near 'end'")
    path.write_text("function decide(m) end\n")
    assert subprocess.run(test, check=False).returncode == 0
    path.chmod(0o646)
    done = subprocess.run(test, capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "anybody can write" in done.stderr


def test_no_warning_was_logged(host):
    assert not re.search(r"^<[0-5]>", host.log(), re.M)


def test_what_the_hook_said_is_stored(own_lab, build, needs_root):
    system = System(own_lab, build, options={
        "milter": {"hook": write_hook(own_lab)}}).start()
    system.track("set", "mailbox", "alice@example.org", "identified")
    port = system.postfix.ports["submission"]
    lowered, data = deliver(system, port, "lowered", [
        "X-Mode: anonymous", "X-Campaign: Frühling"])
    assert pixel_path(data)
    failed, data = deliver(system, port, "failed", ["X-Mode: nonsense"])
    assert pixel_path(data)
    system.wait_stored()
    rows = system.query(
        "SELECT mode, level, reason, hook, extra FROM v_message "
        "WHERE queue_id IN (%s, %s) ORDER BY message_id DESC",
        (lowered, failed))
    assert rows[0][:4] == ("anonymous", "hook", "done", "done")
    extra = json.loads(rows[0][4])
    assert extra["campaign"] == "Frühling" and extra["size"] > 100
    assert rows[1] == ("identified", "mailbox", "done", "failed", None)
    trail = system.ours.command("trail", lowered).stdout
    assert "campaign=Frühling" in trail
    assert f"size={extra['size']}\n" in trail
    trail = system.ours.command("trail", failed).stdout
    assert re.search(r"hook:? +failed", trail)
    with open(system.ours.daemons["milter"].log, encoding="utf-8") as f:
        assert re.search(r"<4>hook: \S+hook.lua: the answer: mode: no such "
                         rf"word: 'nonsense'.* queue_id='{failed}'", f.read())
