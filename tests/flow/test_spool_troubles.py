# SPDX-License-Identifier: BSD-2-Clause
"""What logs and doctor say when the spool is full, closed to us, damaged, or
the clock is set, and that nobody has to do anything when it is right again."""

import os
import re

import pytest

from tests.lib.disk import SmallDisk
from tests.lib.doctor import checks
from tests.lib.nginx import Nginx
from tests.lib.pixel import GIF, Pixel, ask, token
from tests.lib.process import user, wait_for
from tests.lib.redis import Redis
from tests.lib.shipping import STREAM, Ship

HEAD = 64  # bytes of a segment's head: lib/spool/format.h
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def failing(ctl, step="spool"):
    return [c[1:] for c in checks(ctl, step) if c[0] == "FAIL"]


def fetch(nginx, n=1):
    for _ in range(n):
        assert ask(nginx.port, f"/i/{token()[0]}.gif")[2] == GIF


def size(spool):
    return sum(os.path.getsize(os.path.join(spool, name))
               for name in os.listdir(spool) if name.endswith(".seg"))


def troubles(process):
    return [line for line in process.text().splitlines()
            if line.startswith("<3>spool") or "again after s=" in line]


def check_recovery(pixel, nginx, n=1):
    """It takes opens again, and says so, once."""
    before = size(pixel.spool)
    wait_for(lambda: fetch(nginx) or size(pixel.spool) > before, 10,
             "opens to be taken")
    wait_for(lambda: len(troubles(pixel.process)) >= 2 * n, 15, "the end")
    assert len(troubles(pixel.process)) == 2 * n
    assert re.search(r"<6>the spool takes opens again after s=\d+ "
                     r"failures=\d+$", troubles(pixel.process)[-1])


@pytest.fixture
def disk(own_lab, needs_root):
    disk = SmallDisk(own_lab, "disk")
    return disk


def test_a_full_disk_costs_opens_and_is_said_once(
        build, own_lab, doctor, disk):
    pixel = Pixel(own_lab, build, spool_dir=disk.path, spool_segment="64k",
                  rate_limit=0)
    pixel.spool = disk.path
    pixel.start()
    nginx = Nginx(own_lab, Nginx.fastcgi(pixel.socket, "/")).start()
    doctor.set(spool_dir=disk.path, spool_segment="64k")
    fetch(nginx, 5)
    pixel.events(5)
    disk.fill()
    fetch(nginx, 100)
    wait_for(lambda: troubles(pixel.process), 5, "the complaint")
    line, = troubles(pixel.process)
    assert line == ("<3>spool: append: No space left on device; losing opens, "
                    "which are counted; readers get their image")
    said = failing(doctor)
    assert any(re.match(r"\d+ events were lost, the last at 20.*: No space "
                        "left on device$", found) and
               remedy.startswith("make room") for found, remedy in said), said
    assert any(f"{disk.path}: 0 bytes left" in found for found, _ in said)
    disk.free()
    check_recovery(pixel, nginx)
    assert not any("bytes left" in found for found, _ in failing(doctor))


def test_a_spool_that_is_closed_to_us(build, own_lab, doctor, needs_root):
    nobody = user("nobody")
    pixel = Pixel(own_lab, build, run_as=nobody)
    for path in (pixel.directory, pixel.spool, pixel.keys, pixel.conf):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    os.chmod(pixel.spool, 0o555)
    pixel.start()
    nginx = Nginx(own_lab, Nginx.fastcgi(pixel.socket, "/")).start()
    doctor.set(spool_dir=pixel.spool)
    fetch(nginx, 20)
    line, = troubles(pixel.process)
    assert "Permission denied; losing opens, which are counted" in line
    (found, remedy), = failing(doctor)
    assert found == f"{pixel.spool}: mode 0555 lets nobody append"
    assert remedy.startswith("chmod 2770")
    os.chmod(pixel.spool, 0o755)
    check_recovery(pixel, nginx)
    # What was lost meanwhile is known by then.
    assert any(re.match(r"\d+ events were lost, .*: Permission denied$", f)
               and r.startswith("let the programs' user write there")
               for f, r in failing(doctor)), failing(doctor)


@pytest.fixture
def server(own_lab):
    return Redis(own_lab).start()


@pytest.fixture
def ship(own_lab, build, server):
    return Ship(own_lab, build, f"unix:{server.socket}")


def added(server):
    with server.connect() as c:
        return c.xinfo_stream(STREAM)["entries-added"] \
            if c.exists(STREAM) else 0


def change(path, how):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    how(data)
    with open(path, "wb") as f:
        f.write(data)


def flip(data):
    data[len(data) // 2] ^= 1


def tear(data):
    """A record's tail is missing, and others follow."""
    del data[len(data) // 2:len(data) // 2 + 30]


@pytest.mark.parametrize("how", [flip, tear])
def test_a_damaged_record_is_passed_over_and_counted(ship, server, doctor,
                                                     how):
    n = ship.put(100, kind="trail")
    path = os.path.join(ship.spool, ship.segments()[0])
    change(path, how)
    ship.start()
    wait_for(lambda: added(server) >= n - 2, 10, "the others")
    ship.wait_log("skipping segment=")
    found = re.search("<4>spool: damage in a segment; skipping segment="
                      r"([0-9a-f]{16}) offset=(\d+) bytes=(\d+)$",
                      ship.log(), re.M)
    assert f"{found[1]}.seg" == ship.segments()[0]
    assert HEAD <= int(found[2]) < os.path.getsize(path)
    assert n - 2 <= added(server) < n
    doctor.set(spool_dir=ship.spool)
    said = [f for f, _ in failing(doctor) if "passed over" in f]
    assert len(said) == 1
    assert re.match(f"{found[3]} bytes in 1 places were damaged and passed "
                    "over, the last at 20", said[0])
    assert doctor.json("spool", "status")["passed_over"]["bytes"] == \
        int(found[3])
    # What comes later is carried as ever.
    n += ship.put(10, kind="trail")
    wait_for(lambda: added(server) >= n - 2, 10, "the later ones")


def behead(*offsets):
    def how(data):
        for offset in offsets:
            data[offset] ^= 1
    return how


def test_a_head_stands_twice(ship, server):
    n = ship.put(2000, segment="16k")
    for name, offset in zip(ship.segments(), (0, 8, 12, 28, 32, 44, 60)):
        change(os.path.join(ship.spool, name), behead(offset))
    ship.start()
    wait_for(lambda: added(server) == n, 10, "all of them")
    assert "<4>" not in ship.log() and "<3>" not in ship.log()


def test_a_segment_without_any_head_is_kept_aside(ship, server, doctor):
    n = ship.put(2000, segment="16k")
    first = ship.segments()[0]
    change(os.path.join(ship.spool, first), behead(12, 44))
    ship.start()
    ship.wait_log("keeping it as .bad")
    line, = [line for line in ship.log().splitlines() if ".bad" in line]
    assert line.startswith(f"<3>spool: {first}: ") and "bytes=" in line
    wait_for(lambda: added(server) > n // 2, 10, "the others")
    assert os.path.exists(os.path.join(ship.spool,
                                       first.replace(".seg", ".bad")))
    doctor.set(spool_dir=ship.spool)
    warned = [c[1] for c in checks(doctor, "spool") if c[0] == "warn"]
    assert any(w.startswith("1 damaged segments") for w in warned), warned
    assert any("passed over" in f for f, _ in failing(doctor))


def test_a_clock_that_is_set_back_and_forward(build, own_lab, server, ship):
    """By an hour, under producer and shipper at work."""
    if not os.path.exists(FAKETIME):
        pytest.skip("no libfaketime")
    when = own_lab.path("when")

    def set_clock(text):
        with open(when + ".new", "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.rename(when + ".new", when)

    env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": when,
           "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
           "DONT_FAKE_MONOTONIC": "1"}
    set_clock("+0")
    pixel = Pixel(own_lab, build, spool_dir=ship.spool, spool_segment="4k",
                  rate_limit=0)
    pixel.spool = ship.spool
    pixel.process.env = ship.process.env = env
    pixel.start()
    ship.start()
    nginx = Nginx(own_lab, Nginx.fastcgi(pixel.socket, "/")).start()
    n = 0
    for offset in ("+0", "-3600", "-3600", "+0", "+3600", "+0"):
        set_clock(offset)
        fetch(nginx, 60)
        n += 60
        wait_for(lambda: added(server) >= n, 15, f"{n} opens at {offset}")
    assert added(server) == n
    with server.connect() as c:
        hours = {fields["at"][:13] for _, fields in c.xrange(STREAM)}
    assert len(hours) >= 3, "the programs did see other hours"
    for process in (pixel.process, ship.process):
        assert not re.search("^<[34]>", process.text(), re.M), process.text()
