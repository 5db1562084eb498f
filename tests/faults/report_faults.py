# SPDX-License-Identifier: BSD-2-Clause
"""What may happen while reports are taken."""

import contextlib
import smtplib
import socket
import time

from tests.lib.process import wait_for

from .fault import fault
from .load import SENDER
from .reports import report

WHOLE = {"whole": True}


@fault("feed killed before it answers", hold=(0.1, 0.5), needs=WHOLE)
def killed_before_the_answer(scene, r):
    """kill -9 of mailtrail-feed with a report taken and not yet answered."""
    scene.way.on_answer = scene.daemon("feed").kill
    wait_for(lambda: scene.way.on_answer is None, 60, "a report")
    yield False
    scene.wait_up()


def lost_client(scene, name, address, r):
    """One that goes away somewhere in his dialogue, then comes again."""
    text = report(name, address)
    dialogue = (f"LHLO far\r\nMAIL FROM:<>\r\nRCPT TO:<{SENDER}>\r\n"
                "DATA\r\n").encode() + text + b".\r\nQUIT\r\n"
    cut = r.choice((r.randrange(len(dialogue)), len(dialogue)))
    with contextlib.suppress(ConnectionError), \
            socket.socket(socket.AF_UNIX) as s:
        s.connect(scene.ours.feed_socket)
        s.sendall(dialogue[:cut])
        if r.random() < 0.5:
            time.sleep(r.uniform(0, 0.02))  # is it read, or not yet
    with smtplib.LMTP(scene.ours.feed_socket) as c:
        assert c.sendmail("", [SENDER], text) == {}


@fault("feed's clients go away", hold=(0.1, 0.5), needs=WHOLE, on=("feed",))
def clients_go_away(scene, r):
    """Clients of mailtrail-feed hang up anywhere, and send the report again."""
    for n in range(r.randint(10, 40)):
        name = f"lost{n}.{scene.bounces.name}"
        address = f"{name}@far.example"
        lost_client(scene, name, address, r)
        scene.bounces.fed.append(address)
    yield False
