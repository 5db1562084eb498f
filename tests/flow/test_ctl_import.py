# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail import`: old logs, whatever they are packed with, once."""

import bz2
import gzip
import lzma
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import time

import pytest

from tests.lib import spooled
from tests.lib.ctl import (EX_DATAERR, EX_IOERR, EX_TEMPFAIL, EX_USAGE)
from tests.lib.process import wait_for
from tests.lib.shipping import Ship, Store
from tests.lib.tailing import Tail, queue_id, removed

EX_NOINPUT = 66
DAY = 86400
NOW = int(time.time())


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, timeout=60, check=True,
                          stdout=subprocess.PIPE).stdout


PACKERS = {"plain": lambda data: data, "gzip": gzip.compress,
           "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}


@pytest.fixture
def importer(ctl, tmp_path):
    """The command beside a spool, in a directory for logs."""
    os.mkdir(ctl.options["spool_dir"], 0o770)
    ctl.spool = ctl.options["spool_dir"]

    def write(name, data, written=None):
        path = tmp_path / name
        path.write_bytes(data)
        if written is not None:
            os.utime(path, (written, written))
        return path
    ctl.write = write
    return ctl


def lines(first, n, at=None):
    return b"".join(removed(i, at) for i in range(first, first + n))


def keys(ctl, kind="queue"):
    return [spooled.line_key(e) for e in spooled.events(ctl.spool, kind)]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_log_is_read_however_it_is_packed(importer, packer):
    # The name says nothing: it goes by content.
    path = importer.write("log", PACKERS[packer](lines(0, 1000)))
    said = importer.json("import", path)
    assert said["lines"] == 1000 and said["damaged"] == 0
    assert said["events"] == {"queue": 1000, "line": 1000}
    assert said["recorded"] and said["whole"]
    found = spooled.events(importer.spool, "queue")
    assert [e["queue_id"] for e in found] == [queue_id(i)
                                              for i in range(1000)]
    assert {e["host"] for e in found} == {"mx.example.org"}


def test_standard_input_and_pipes_are_read_once(importer):
    out, _ = importer("import", "-", input=gzip.compress(lines(0, 3)))
    assert out.splitlines()[0].split() == ["lines", "3"]
    assert len(keys(importer)) == 3
    fifo = importer.write("x", b"").with_name("fifo")
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", 'cat >"$0"', fifo],
                          stdin=subprocess.PIPE) as writer:
        writer.stdin.write(lines(3, 4))
        writer.stdin.close()
        assert importer.json("import", fifo)["lines"] == 4
    assert len(keys(importer)) == 7


def test_rotated_files_are_read_in_the_order_of_their_lines(importer):
    """So that twins on both sides of a rotation get their ordinals."""
    at = NOW - 3 * DAY
    twin = removed(7, at)
    oldest = importer.write("mail.log.2.gz",
                            gzip.compress(lines(0, 2, at - 9) + twin))
    middle = importer.write("mail.log.1", twin + lines(3, 1, at + 5))
    newest = importer.write("mail.log", lines(4, 2, at + 60))
    said = importer.json("import", newest, middle, oldest, middle)
    assert [os.path.basename(f["name"]) for f in said["files"]] == \
        ["mail.log.2.gz", "mail.log.1", "mail.log"]
    found = spooled.events(importer.spool, "queue")
    assert [e["queue_id"] for e in found] == \
        [queue_id(i) for i in (0, 1, 7, 7, 3, 4, 5)]
    first, second = (int(e["line"]) for e in found[2:4])
    assert second == first + 1
    assert said["first_at"] == found[0]["at"]
    assert said["last_at"] == found[-1]["at"]


def test_keys_are_those_of_the_follower_and_of_the_last_time(
        importer, own_lab, build):
    data = lines(0, 20) + removed(5) + b"x" * 70000 + b"\n" + \
        removed(9)[:-1] + b" " + b"y" * 70000 + b"\n" + removed(6)[:-1]
    path = importer.write("mail.log", data)
    importer("import", path)
    once = keys(importer)
    importer("import", path)
    assert keys(importer) == once * 2
    tail = Tail(own_lab, build)
    tail.read_once(data)
    assert [spooled.line_key(e) for e in tail.events("queue")] == once


def test_dry_run_touches_no_spool(importer):
    shutil.rmtree(importer.spool)
    path = importer.write("mail.log", lines(0, 5))
    said = importer.json("import", "--dry-run", path)
    assert said["events"]["queue"] == 5 and not said["recorded"]
    assert not os.path.exists(importer.spool)


def test_host_lines_and_addresses_can_be_chosen(importer):
    path = importer.write("mail.log", lines(0, 2))
    importer("import", "--no-lines", "--host", "old.example.org", path)
    assert {e["host"] for e in spooled.events(importer.spool)} == \
        {"old.example.org"}
    assert not spooled.events(importer.spool, "line")
    importer("import", "--host-of-line", path)
    assert {e["host"] for e in spooled.events(importer.spool, "line")} == \
        {"mx"}
    importer.set(ignore_addresses="probe@example.org")
    qid = queue_id(1)
    path = importer.write("probe", removed(1) + removed(1).replace(
        b"qmgr", b"smtp").replace(
            b": removed", b": to=<probe@example.org>, relay=a[1.2.3.4]:25, "
            b"delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"))
    said = importer.json("import", path)
    assert said["ignored"] == 1 and "deliver" not in said["events"], qid


def stamp(text):
    return f"{text} mx postfix/qmgr[7]: {queue_id(1)}: removed\n".encode()


def at_of(importer, *args):
    before = len(spooled.events(importer.spool, "queue"))
    importer("import", *args)
    return spooled.events(importer.spool, "queue")[before]["at"]


def test_the_year_is_that_of_the_file(importer):
    written = 1672628400  # 2023-01-02 03:00 UTC
    data = stamp("Dec 31 10:00:00")
    path = importer.write("mail.log", data, written)
    assert at_of(importer, "--zone", "UTC", path) == \
        "2022-12-31T10:00:00.000000Z"
    assert at_of(importer, "--zone", "Etc/GMT+2", path) == \
        "2022-12-31T12:00:00.000000Z"
    assert at_of(importer, "--zone", "UTC", "--as-of", "2020-03-01",
                 path) == "2019-12-31T10:00:00.000000Z"
    # A copy is younger than what was packed, whose time gzip has kept.
    packed = gzip.compress(data, mtime=written - 900 * DAY)
    path = importer.write("mail.log.1.gz", packed, written)
    assert at_of(importer, "--zone", "UTC", path) == \
        "2019-12-31T10:00:00.000000Z"


def test_what_cannot_be_read_is_said_before_anything_is(importer):
    good = importer.write("good", lines(0, 1))
    gone = good.with_name("gone")
    importer.fails(EX_NOINPUT, f"mailtrail import: '{gone}': No such file "
                   "or directory", "import", good, gone)
    importer.fails(EX_NOINPUT, f"mailtrail import: '{gone.parent}': a "
                   "directory", "import", good, gone.parent)
    assert not spooled.events(importer.spool)


def test_garbage_is_named_and_the_rest_is_read(importer):
    noise = importer.write("noise", os.urandom(300000))
    text = importer.write("text", b"no log\n\nline at all\n")
    empty = importer.write("empty", b"")
    also_empty = importer.write("empty.gz", gzip.compress(b""))
    cut = importer.write("cut.gz", gzip.compress(lines(10, 60000))[:-9000])
    good = importer.write("good", lines(0, 5))
    out, err = importer("import", noise, text, empty, also_empty, cut, good,
                        ok=[EX_DATAERR])
    said = sorted(err.splitlines())
    assert len(said) == 3
    assert said[0].startswith(f"mailtrail import: '{cut}': line ")
    assert said[0].endswith("truncated gzip input; what follows it was not "
                            "read")
    assert said[1:] == [f"mailtrail import: '{noise}': has no log line",
                        f"mailtrail import: '{text}': has no log line"]
    ids = {e["queue_id"] for e in spooled.events(importer.spool, "queue")}
    assert {queue_id(i) for i in range(5)} < ids
    assert len(ids) > 20000
    assert "lines that are no log lines" in out


def test_unknown_lines_are_shown(importer):
    path = importer.write("mail.log", removed(1) + removed(2).replace(
        b"removed", b"r\x1b[31mmoved") + removed(3).replace(
            b"postfix/qmgr", b"cron"))
    out, _ = importer("import", path)
    assert "unknown  1 lines that were not understood" in out
    assert rf"1 of qmgr, such as: {queue_id(2)}: r\x1b[31mmoved" in out
    assert "foreign  1 lines of other programs" in out
    assert importer.json("import", "-n", path)["unknown_of"] == [
        {"program": "qmgr", "lines": 1,
         "sample": f"{queue_id(2)}: r\x1b[31mmoved"}]


def test_a_spool_that_is_not_there_is_said(importer):
    path = importer.write("mail.log", lines(0, 5))
    shutil.rmtree(importer.spool)
    said = importer.fails(EX_IOERR, "mailtrail import: spool: "
                          f"{importer.spool}: No such file or directory",
                          "import", path)
    assert len(said) == 1


def test_options_that_make_no_sense(importer):
    path = importer.write("mail.log", lines(0, 5))
    for options, message in {
            ("--zone", "Mars/Phobos"): "--zone: 'Mars/Phobos' is no time "
            "zone such as Europe/Berlin",
            ("--as-of", "yesterday"): "--as-of: 'yesterday' is no date such "
            "as 2026-11-20",
            ("--host", ""): "--host: not a host's name"}.items():
        importer.fails(EX_USAGE, f"mailtrail import: {message}", "import",
                       *options, path)


@pytest.fixture
def narrow(importer):
    """A spool that a log is too large for."""
    importer.set(spool_max="1m", spool_segment="128k", redis_timeout_ms=2000)
    importer.log = importer.write("mail.log", lines(0, 8000))
    importer.out = importer.log.with_name("out")
    importer.err = importer.log.with_name("err")
    importer.running = []

    def start(*args, **kwargs):
        with open(importer.out, "wb") as out, open(importer.err, "wb") as err:
            p = subprocess.Popen(
                [importer.program, "-c", importer.conf, "import", *args,
                 importer.log], stdout=kwargs.get("stdout", out),
                stderr=kwargs.get("stderr", err))
        importer.running.append(p)
        return p
    importer.start = start
    yield importer
    for p in importer.running:
        if p.poll() is None:
            p.kill()
        p.wait()


def used(ctl):
    return sum(os.stat(os.path.join(ctl.spool, n)).st_size
               for n in os.listdir(ctl.spool) if n.endswith(".seg"))


def test_half_of_the_spool_is_left_and_the_rest_waits(
        narrow, own_lab, build, redis, stream):
    p = narrow.start()
    wait_for(lambda: b"waiting for mailtrail-ship, which does not run"
             in narrow.err.read_bytes(), 20, "the import to wait")
    assert 384 << 10 < used(narrow) <= 512 << 10
    ship = Ship(own_lab, build, f"unix:{redis.socket}")
    ship.configure(spool_dir=narrow.spool)
    most, store = 0, Store()
    ship.start()
    try:
        def done():
            nonlocal most
            most = max(most, used(narrow))
            while store.take(redis):
                most = max(most, used(narrow))
            return p.poll() is not None
        wait_for(done, 60, "the import to end", interval=0.002)
        assert p.returncode == 0, narrow.err.read_text()
        # All that was there was stored, if it was more.
        assert most <= (512 << 10) + (64 << 10)
        # What is told apart here is told apart by its queue id.
        found = set()

        def all_there():
            while store.take(redis):
                pass
            found.update(k[3] for k in store.keys if k[0] == "queue")
            return len(found) == 8000
        wait_for(all_there, 30, "all events in Redis")
    finally:
        ship.process.stop()
        with redis.connect() as c:
            c.delete("mailtrail:events")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_it_waits(narrow, number):
    p = narrow.start()
    wait_for(lambda: b"waiting" in narrow.err.read_bytes(), 20, "waiting")
    p.send_signal(number)
    assert p.wait(10) == EX_TEMPFAIL
    last = narrow.err.read_text().splitlines()[-1]
    assert last.startswith("mailtrail import: stopped at line ")
    assert last.endswith(f" of '{narrow.log}'; the same command goes on: "
                         "what is stored already is stored once")
    assert used(narrow) <= 512 << 10
    # Whole records only.
    assert len(keys(narrow)) == len(set(keys(narrow))) > 500
    lost = [line for line in narrow("spool", "status")[0].splitlines()
            if line.startswith("lost")]
    assert "lost_records=0" in " ".join(lost) or "=0" in lost[0]


def test_a_signal_ends_it_while_a_pipe_says_nothing(narrow):
    narrow.log = "-"
    reader, writer = os.pipe()
    p = subprocess.Popen([narrow.program, "-c", narrow.conf, "import", "-"],
                         stdin=reader, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    os.close(reader)
    narrow.running.append(p)
    os.write(writer, lines(0, 3))
    status = pathlib.Path(f"/proc/{p.pid}/status")
    wait_for(lambda: f"SigBlk:\t{0:016x}" not in status.read_text(), 10,
             "it to be up")
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=10)
    os.close(writer)
    assert p.returncode == EX_TEMPFAIL, err
    assert b"stopped at line" in err, out


def test_progress_is_shown_on_a_terminal_only(narrow):
    master, slave = pty.openpty()
    p = narrow.start(stderr=slave)
    os.close(slave)
    shown = b""

    def waits():
        nonlocal shown
        shown += os.read(master, 4096)
        return b"waiting for room in the spool" in shown
    wait_for(waits, 20, "progress")
    p.send_signal(signal.SIGTERM)
    assert p.wait(10) == EX_TEMPFAIL
    os.close(master)
    line = shown.split(b"\r\x1b[K")[-1].decode()
    assert " lines, " in line and "/s, " in line and " %" in line
