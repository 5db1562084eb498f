# SPDX-License-Identifier: BSD-2-Clause
"""What rules say of a mark's looks, in mail that went through Postfix."""

import re

from tests.lib.client import html_message, send
from tests.lib.system import System, html_of, pixel_path

ALICE = "alice@example.org"


def test_notice_translation_plain_text_and_quoted_pixels_by_rule(
        own_lab, build, needs_root):
    system = System(own_lab, build, options={
        "milter": {"notice": "As configured."}}).start()
    system.track("set", "global", "anonymous", "--notice", "In English.",
                 "--notice-plain", "yes", "--quoted", "leave")
    system.track("set", "mailbox", "quiet@example.org", "anonymous",
                 "--notice-plain", "no", "--quoted", "remove")
    system.track("set", "recipient", "@example.fr", "identified",
                 "--at-most", "--notice", "En fran\u00e7ais.")
    port = system.postfix.ports["submission"]

    def mail(name, rcpts, sender=ALICE, **kwargs):
        data = html_message(f"<{name}@example.org>", sender=sender, **kwargs)
        queue_id = send(port, data, sender, rcpts)
        return queue_id, system.sink.data(
            system.sink.wait(f"<{name}@example.org>"))

    def plain(data):
        return re.search(rb"Content-Type: text/plain.*?\r\n\r\n(.*?)\r\n--",
                         data, re.S)[1].decode()

    _, data = mail("one", ["a@example.fr"])
    assert "fran" in html_of(data) and "English" not in html_of(data)
    _, data = mail("two", ["a@example.fr", "b@example.fr"])
    assert "fran" in html_of(data) and "English" not in html_of(data)
    _, data = mail("both", ["a@example.fr", "b@example.com"])
    assert "In English." in html_of(data) and "fran" not in html_of(data)
    assert "In English." in plain(data)
    _, data = mail("quiet", ["b@example.com"], sender="quiet@example.org")
    assert "In English." in html_of(data) and "English" not in plain(data)

    pixel = pixel_path(data)
    page = ("<html><body><p>Yes.</p><blockquote><img src="
            f'"https://open.example.org{pixel}"></blockquote></body></html>')
    kept, data = mail("kept", ["b@example.com"], html=page)
    assert pixel in html_of(data)
    removed, data = mail("removed", ["b@example.com"],
                         sender="quiet@example.org", html=page)
    assert pixel not in html_of(data) and pixel_path(data) != pixel
    system.wait_stored()
    rows = dict(system.query(
        "SELECT queue_id, quoted FROM v_message WHERE queue_id IN (%s, %s)",
        (kept, removed)))
    assert rows == {kept: None, removed: 1}
    assert "; 1 quoted pixel made to show nothing\n" in \
        system.ours.command("trail", removed).stdout
