# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with the spool's disk, what stands on it, and the clock
of the host."""

import os

from tests.lib.process import stopped, wait_for

from .fault import fault
from .witness import HEAD, records


# They wait, where the others lose.
WAIT = [("tail", "waiting, the log keeps what is to come"),
        ("feed", "reports wait at the mail server")]


@fault("spool disk full", hold=(1.0, 3.0), doctor=[("spool", "left")],
       more=WAIT)
def disk_full(scene, r):
    """The spool's disk has no room left."""
    scene.scarred = True
    with scene.window("spool"):
        scene.spool.fill(leave=r.choice((0, 4096, 100000)))
        try:
            yield True
        finally:
            scene.spool.free()
        wait_good(scene)


@fault("spool unwritable", hold=(2.0, 5.0),
       doctor=[("spool", "lets nobody append")], more=WAIT)
def unwritable(scene, r):
    """Our programs may no longer write into the spool's directory."""
    scene.scarred = True
    with scene.window("spool"):
        mode = os.stat(scene.ours.spool).st_mode & 0o7777
        os.chmod(scene.ours.spool, 0o555)
        try:
            yield True
        finally:
            os.chmod(scene.ours.spool, mode)
        wait_good(scene)


def wait_good(scene):
    """Until an event is appended again; a reader's one, of no message."""
    token = scene.ours.command("token", "make", "--url").stdout.strip()
    path = "/" + token.partition("://")[2].partition("/")[2]

    def appended():
        before = len(scene.witness.look().events["open"])
        scene.system.fetch(path)
        return len(scene.witness.look().events["open"]) > before

    wait_for(appended, 20, "the spool to take events again")


def append(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def segments(scene):
    return sorted(n for n in os.listdir(scene.ours.spool)
                  if n.endswith(".seg"))


@fault("spool flipped byte", hold=(0.2, 1.0),
       on=("spool", "ship", "milter"), log=[("ship", "damage")])
def flipped_byte(scene, r):
    """One byte of a record changes on the disk before it is shipped."""
    scene.scarred = True
    with stopped(scene.daemon("ship").pid):
        before = {n: os.path.getsize(os.path.join(scene.ours.spool, n))
                  for n in segments(scene)}
        name, at, end = wait_for(lambda: unshipped(scene, before, r), 30,
                                 "a record nobody has read")
        damage(scene, name, r.randrange(at, end), r.randrange(1, 256))
        yield False


def unshipped(scene, before, r):
    """(segment, offset, end) of a record that came since, or None."""
    found = []
    for name in segments(scene):
        nonce, data = scene.witness.segment(name)
        found += [(name, at, end) for at, end, _ in
                  records(data, nonce, before.get(name, HEAD))]
    return r.choice(found[:-1]) if len(found) > 3 else None


def damage(scene, name, at, bits):
    """Turn bits of the byte at that offset; the witness knows its record."""
    with scene.witness.destroying(name, at) as data:
        fd = os.open(os.path.join(scene.ours.spool, name), os.O_RDWR)
        try:
            os.pwrite(fd, bytes([data[at] ^ bits]), at)
        finally:
            os.close(fd)


@fault("spool damaged head", hold=(0.2, 1.0),
       on=("spool", "ship", "milter"))
def damaged_head(scene, r):
    """One byte of a segment's head changes on the disk; there are two heads."""
    def whole():
        return [n for n in segments(scene) if n not in scene.damaged_heads]

    name = wait_for(whole, 60, "a segment with two good heads")[-1]
    scene.damaged_heads.add(name)
    with stopped(scene.daemon("ship").pid):
        damage(scene, name, r.randrange(HEAD), r.randrange(1, 256))
        yield False


@fault("spool torn record", hold=(0.2, 1.0),
       on=("spool", "ship", "milter"), log=[("ship", "damage")])
def torn_record(scene, r):
    """Half a record, as a crash of the host leaves it, and more behind it."""
    scene.scarred = True
    for _ in range(r.randint(1, 5)):
        name = segments(scene)[-1]
        nonce, data = scene.witness.segment(name)
        whole = [data[a:b] for a, b, _ in records(data, nonce, HEAD)]
        if whole:
            text = r.choice(whole)
            append(os.path.join(scene.ours.spool, name),
                   text[:r.randrange(1, len(text))])
    yield False


@fault("clock steps back", needs={"faketime": True})
def clock_steps_back(scene, r):
    """The host's clock is an hour back at once, and later right again."""
    scene.set_clock("-3600")
    try:
        yield True
    finally:
        scene.set_clock("+0")
