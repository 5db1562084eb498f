# SPDX-License-Identifier: BSD-2-Clause
"""After a power loss a segment may be shorter than mailtrail-ship remembers:
what it remembers of another boot is not believed."""

import os
import re
import zlib

from tests.lib.redis import Redis
from tests.lib.shipping import Ship, Store


def test_another_boot_sends_everything_on_disk_again(own_lab, build):
    redis = Redis(own_lab).start()
    ship = Ship(own_lab, build, f"unix:{redis.socket}").start()
    store = Store()
    n = ship.put(50)
    store.wait(n, redis)
    seen = store.seen
    assert ship.process.stop() == 0

    path = os.path.join(ship.spool, "ship.state")
    with open(path, encoding="ascii") as f:
        lines = f.read().rsplit("end ", 1)[0]
    assert re.search("^boot [0-9a-f-]{36}$", lines, re.M)
    lines = re.sub("^boot .*$", "boot " + 9 * "dead", lines, flags=re.M)
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{lines}end {zlib.crc32(lines.encode()):08x}\n")
    left = ship.segments()
    assert left
    ship.start()
    ship.wait_log("the machine was started anew; sending everything on disk")
    more = ship.put(10)
    store.wait(n + more, redis)
    assert store.seen > seen + more
