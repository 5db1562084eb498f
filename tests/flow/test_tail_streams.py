# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-tail on standard input and on a socket."""

import os
import signal
import socket
import subprocess

import pytest

from tests.lib.process import run, wait_for
from tests.lib.tailing import Tail, queue_id, removed


@pytest.fixture
def tail(own_lab, build):
    return Tail(own_lab, build)


def test_standard_input_is_read_to_its_end(tail):
    says = tail.read_once(b"".join(map(removed, range(500))))
    assert "read lines=500 events=1000" in says
    assert len(tail.keys()) == 500
    # Nothing is to be remembered of it.
    assert not os.path.exists(tail.state)


def test_a_last_line_without_an_end_is_one(tail):
    tail.read_once(removed(0) + removed(1)[:-1])
    assert len(tail.keys()) == 2


def test_the_journal_comes_as_json(tail, root):
    with open(root / "tests/data/maillog/own.journal", "rb") as f:
        says = tail.read_once(f.read())
    with open(root / "tests/data/maillog/own.log", "rb") as f:
        lines = f.readlines()[:150]
    assert "read lines=150" in says and "damaged=0" in says
    journal = tail.keys()
    # The same lines as syslog has them say the same, but for the time's
    # resolution.
    tail.seen.clear()
    tail.read_once(b"".join(lines), "-o", "zone=UTC")
    assert {k[3:] for k in tail.keys()} == {k[3:] for k in journal}
    assert len(journal) > 50


def test_a_pipe_waits_while_the_spool_is_full(tail):
    tail.configure(spool_segment="64k", spool_max="128k")
    process = subprocess.Popen(
        [tail.program, "-c", tail.conf, "-"], stdin=subprocess.PIPE,
        stderr=subprocess.PIPE)
    os.set_blocking(process.stdin.fileno(), False)
    data = b"".join(map(removed, range(20_000)))
    sent = 0

    def feed():
        nonlocal sent
        try:
            sent += os.write(process.stdin.fileno(), data[sent:])
        except BlockingIOError:
            return True
        return False
    # It takes no more, and neither does the pipe.
    wait_for(lambda: feed() and len(tail.segments()) > 0 and
             sum(os.path.getsize(os.path.join(tail.spool, n))
                 for n in tail.segments()) > 65536, 20, "a full pipe")

    def make_room():
        os.kill(process.pid, signal.SIGSTOP)
        wait_for(lambda: _state(process.pid) == "T", 5, "it to stop")
        n = len(tail.keys())
        for name in tail.segments():
            os.unlink(os.path.join(tail.spool, name))
        os.kill(process.pid, signal.SIGCONT)
        if sent == len(data):
            process.stdin.close()
            return True
        feed()
        return n < 0
    wait_for(make_room, 60, "all to be taken")

    def ended():
        if process.poll() is not None:
            return True
        os.kill(process.pid, signal.SIGSTOP)
        wait_for(lambda: _state(process.pid) in "TZ", 5, "it to stop")
        tail.keys()
        for name in tail.segments():
            os.unlink(os.path.join(tail.spool, name))
        os.kill(process.pid, signal.SIGCONT)
        return False
    wait_for(ended, 60, "its end")
    assert process.returncode == 0, process.stderr.read()
    process.stderr.close()
    assert len(tail.keys()) == 20_000


def _state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0]


def test_a_socket_takes_lines_as_syslog_daemons_send_them(own_lab, build):
    tail = Tail(own_lab, build)
    path = tail.path("log.sock")
    tail.configure(log=f"unixgram:{path}")
    tail.start()
    assert os.stat(path).st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(path)
        # rsyslog's forward format, a bare line, RFC 5424.
        s.send(b"<22>" + removed(0)[:-1])
        s.send(removed(1))
        s.send(f"<22>1 2026-11-20T16:41:37.123Z mx postfix/qmgr 12 - - "
               f"{queue_id(2)}: removed".encode())
        for i in range(3, 1000):
            s.send(b"<22>" + removed(i))
    tail.wait(1000)
    tail.stop()
    assert not os.path.exists(path)


def test_a_socket_that_a_killed_one_left_is_taken_over(own_lab, build):
    tail = Tail(own_lab, build)
    path = tail.path("log.sock")
    tail.configure(log=f"unixgram:{path}")
    tail.start()
    tail.restart()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(path)
        s.send(removed(0))
    tail.wait(1)
    # One that is in use is not.
    other = Tail(own_lab, build)
    other.configure(log=f"unixgram:{path}")
    done = run([other.program, "-c", other.conf], ok=(78,))
    assert "Address already in use" in done.stderr


def test_who_writes_to_a_socket_never_waits(own_lab, build):
    """Postfix logs through it: what has no room is lost, and counted."""
    tail = Tail(own_lab, build)
    path = tail.path("log.sock")
    tail.configure(log=f"unixgram:{path}", spool_segment="64k",
                   spool_max="128k")
    tail.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.connect(path)
        for i in range(3000):
            s.send(removed(i))
    tail.wait_log("spool: full.*; counting what comes as lost")
    tail.stop()
    with open(os.path.join(tail.spool, "lost"), "rb") as f:
        lost = int.from_bytes(f.read()[8:16], "little")
    kept = len(tail.keys()) + len(tail.keys("line"))
    assert lost > 0 and kept + lost == 6000


def test_operands_replace_the_option(own_lab, build):
    tail = Tail(own_lab, build, "/nowhere/mail.log")
    assert "reading logs=1" in tail.read_once(removed(0))
    done = run([tail.program, "-c", tail.conf, "nothing"], ok=(78,))
    assert "log: 'nothing': not /PATH, -, unixgram:/PATH" in done.stderr
