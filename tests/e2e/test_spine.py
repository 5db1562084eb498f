# SPDX-License-Identifier: BSD-2-Clause
"""One message, end to end."""

import re

from tests.lib.client import html_message, send
from tests.lib.process import wait_for
from tests.lib.system import html_of, pixel_path


def deliver(system, name, port="submission", recipients=("bob@example.com",),
            **kwargs):
    """(queue id, delivered bytes) of a message sent through the system."""
    message_id = f"<{name}@example.org>"
    queue_id = send(system.postfix.ports[port],
                    html_message(message_id, recipients=recipients, **kwargs),
                    "alice@example.org", list(recipients))
    return queue_id, system.sink.data(system.sink.wait(message_id))


def test_one_message_end_to_end(system):
    queue_id, data = deliver(system, "spine")
    # The copy is marked, and signed over the mark.
    path = pixel_path(data)
    assert path is not None
    assert re.search(rb"^X-Mailtrail-Mark: [0-9a-f]{32}\.[0-9a-f]{16}\r$",
                     data, re.M)
    assert system.rspamd.verify(data)
    # Nothing but the mark was changed.
    assert re.sub(r"<img [^>]*>", "", html_of(data)).strip() == \
        "<html><body><p>Hello, Bob.</p></body></html>"
    # Its pixel is fetched by the reader's program.
    status, headers, body = system.fetch(path)
    assert status == 200 and len(body) == 43
    assert headers["Content-Type"] == "image/gif"
    # All of it is stored, once.
    system.wait_stored()
    assert system.query(
        "SELECT queue_id, message_id, user, mode, reason, offers, marks "
        "FROM message WHERE queue_id = %s", (queue_id,)) == (
        (queue_id, "spine@example.org", "alice@example.org", "identified",
         "done", 1, 1),)
    assert system.query(
        "SELECT rcpt FROM recipient WHERE queue_id = %s", (queue_id,)) == (
        ("bob@example.com",),)
    # The trail tells it, whichever way one asks.
    for key in (queue_id, "<spine@example.org>", "spine@example.org",
                "bob@example.com", "alice@example.org"):
        trail = system.ours.command("trail", key).stdout
        assert queue_id in trail and "bob@example.com" in trail
    wait_for(lambda: "open" in system.ours.command("trail", queue_id).stdout,
             10, "the open in the trail")


def test_unauthenticated_mail_is_recorded_and_not_marked(system):
    queue_id, data = deliver(system, "foreign", port="mx")
    assert pixel_path(data) is None and b"X-Mailtrail" not in data
    system.wait_stored()
    assert system.query("SELECT mode, reason FROM message "
                        "WHERE queue_id = %s", (queue_id,)) == (
        ("off", "off"),)


def test_no_log_line_was_an_error(system):
    system.ours.check_logs()
