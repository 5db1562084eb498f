# SPDX-License-Identifier: BSD-2-Clause
"""mailtrail-tail on files: every line once, whatever is done to them."""

import collections
import gzip
import os
import random
import re
import shutil
import threading
import time

import pytest

from tests.lib import checked
from tests.lib.process import run, wait_for
from tests.lib.tailing import Tail, queue_id, removed


@pytest.fixture
def tail(own_lab, build):
    return Tail(own_lab, build)


def lines(first, n):
    return b"".join(removed(i) for i in range(first, first + n))


def test_lines_become_events_as_they_are_written(tail):
    tail.write(lines(0, 3))
    tail.start()
    tail.wait(3)
    tail.write(lines(3, 1))
    tail.wait(4)
    event = tail.events("queue")[3]
    assert event["step"] == "removed"
    assert event["queue_id"] == queue_id(3)
    assert event["host"] == "mx.example.org"
    assert event["tag"] == "postfix/qmgr"
    # And the lines themselves, under the same keys.
    assert {e["line"] for e in tail.events("line")} == \
        {e["line"] for e in tail.events("queue")}
    tail.stop()
    assert "read lines=4 events=8" in tail.log()


def test_a_file_is_begun_at_its_end_when_told_so(tail):
    tail.write(lines(0, 3) + b"Nov 20 half a l")
    tail.configure(**{"from": "end"})
    tail.start()
    tail.wait_log("reading from=")
    tail.write(b"ine\n" + lines(3, 2))
    tail.wait(2)
    # One that comes later is new as a whole.
    assert {e["queue_id"] for e in tail.events("queue")} == \
        {queue_id(3), queue_id(4)}


def test_a_file_that_is_not_there_is_waited_for(tail):
    tail.configure(**{"from": "end"})
    tail.start()
    tail.wait_log("mail.log: No such file or directory; trying again")
    tail.write(lines(0, 2))
    tail.wait(2)
    tail.wait_log("mail.log: well again")


def test_a_file_without_rights_is_waited_for(own_lab, build):
    if os.geteuid() != 0:
        pytest.skip("needs root to give it up")
    from tests.lib.process import user
    tail = Tail(own_lab, build)
    account = user("nobody")
    tail.write(lines(0, 2))
    os.chmod(tail.path("mail.log"), 0o600)
    for path in (tail.directory, tail.spool):
        os.chown(path, account.pw_uid, account.pw_gid)
    tail.process.run_as = account
    tail.start()
    tail.wait_log("mail.log: Permission denied; trying again")
    os.chmod(tail.path("mail.log"), 0o644)
    tail.wait(2)
    assert tail.log().count("Permission denied") == 1


def test_a_line_is_read_when_it_is_whole(tail):
    other = tail.path("other.log")
    tail.configure(log=f"{tail.path('mail.log')} {other}")
    whole = removed(1)
    tail.write(removed(0) + whole[:40])
    tail.start()
    tail.wait(1)
    for byte in whole[40:-1]:
        tail.write(bytes([byte]))
    # What comes later in the other log was read later.
    tail.write(removed(2), "other.log")
    tail.wait(2)
    tail.write(whole[-1:])
    tail.wait(3)
    tail.stop()
    assert " lines=3 " in tail.log() and " damaged=0 " in tail.log()


def test_a_hold_without_an_id_is_not_lost_by_a_kill(tail):
    """smtpd logs that it holds a message before it gives it a queue id."""
    at = time.time() - 100

    def smtpd(pid, text):
        stamp = time.strftime("%b %e %H:%M:%S", time.localtime(at))
        return f"{stamp} mx postfix/smtpd[{pid}]: {text}\n".encode()

    def hold(pid):
        return smtpd(pid, "NOQUEUE: hold: RCPT from c.example[192.0.2.1]: "
                     f"<a@b{pid}>: Sender address kept; from=<a@b{pid}> "
                     "to=<c@d> proto=ESMTP helo=<c>")

    def wait_saved(n):
        wait_for(lambda: tail.saved()["count"][0] == str(n), 10,
                 f"{n} lines in its state")
    tail.write(lines(0, 3) + hold(1))
    tail.start()
    for n in range(3, 7):  # many a moment later, and many a rotation
        at += 1
        tail.write(removed(n, at) + hold(n))
        tail.wait(n + 1)
        if n % 2:
            wait_saved(2 * n)
            os.rename(tail.path("mail.log"), tail.path(f"mail.log.{9 - n}"))
    wait_saved(12)
    tail.process.kill()
    at += 1
    pids = (1, *range(3, 7))
    for n in pids:
        tail.write(smtpd(n, f"{queue_id(100 + n)}: client=c[192.0.2.1]"))
    tail.write(removed(7, at))
    tail.start()
    tail.wait(13)
    assert {e["queue_id"]: e["sender"] for e in tail.events("reject")
            if e.get("queue_id")} == {
                queue_id(100 + n): f"a@b{n}" for n in pids}
    # All of it has its id: the place moves on.
    tail.write(removed(8, at + 1))
    wait_saved(16)  # from the moment of the first hold on
    tail.restart()
    tail.write(removed(9, at + 2))
    tail.wait(15)
    tail.stop()
    assert " lines=2 " in tail.log()


def test_what_is_left_without_an_end_at_rotation_is_a_line(tail):
    tail.write(removed(0) + removed(1)[:-1])
    tail.start()
    tail.wait(1)
    os.rename(tail.path("mail.log"), tail.path("mail.log.1"))
    tail.write(removed(2))
    tail.wait(3)


def test_a_long_line_is_cut_and_counted(tail):
    tail.write(removed(0))
    tail.write(removed(1)[:-1] + b"x" * 300_000 + b"\n" + removed(2))
    tail.start()
    tail.wait(2)
    tail.stop()
    assert int(tail.saved()["count"][7]) == 1
    assert re.search(r"lines=3 .* cut=1 ", tail.log())


def test_equal_lines_of_a_second_have_keys_of_their_own(tail):
    at = time.time()
    tail.write(removed(0, at) * 5)
    tail.start()
    tail.wait(5)
    tail.restart()
    tail.write(removed(0, at) * 2)
    tail.wait(7)
    tail.restart(kill=False)
    tail.write(removed(1, at))
    tail.wait(8)


def test_the_renamed_file_is_read_to_its_end_first(tail):
    tail.write(lines(0, 2))
    tail.start()
    tail.wait(2)
    os.rename(tail.path("mail.log"), tail.path("mail.log.1"))
    # Who writes goes on there until told.
    tail.write(b"")
    tail.write(lines(2, 2), "mail.log.1")
    tail.wait(4)
    tail.write(lines(4, 2), "mail.log.1")
    tail.write(lines(6, 2))
    tail.wait(8)
    tail.write(lines(8, 2))
    tail.wait(10)
    assert "missing" not in tail.log()


@pytest.mark.parametrize("names", [
    ("mail.log.1", "mail.log.2", "mail.log.3"),
    ("mail.log-20261122", "mail.log-20261121", "mail.log-20261120"),
    ("mail.log.20261122-000000", "mail.log.20261121-000000",
     "mail.log.20261120-000000")], ids=["numbers", "dates", "postlogd"])
def test_rotations_while_it_was_down_are_found(tail, names):
    tail.write(lines(0, 100))
    tail.start()
    tail.wait(100)
    tail.wait_saved()
    tail.process.kill()
    tail.write(lines(100, 100))
    os.rename(tail.path("mail.log"), tail.path(names[2]))
    tail.write(lines(200, 100), names[1])
    tail.write(lines(300, 100), names[0])
    tail.write(lines(400, 100))
    tail.start()
    tail.wait(500)
    assert "missing" not in tail.log()


def test_a_truncated_copy_is_read_first(tail):
    tail.write(lines(0, 100))
    tail.start()
    tail.wait(100)
    tail.process.pause()
    tail.write(lines(100, 100))
    shutil.copy(tail.path("mail.log"), tail.path("mail.log.1"))
    os.truncate(tail.path("mail.log"), 0)
    # Longer than it was: its size alone says nothing.
    tail.write(lines(200, 500))
    tail.process.resume()
    tail.wait(700)
    assert "missing" not in tail.log()
    tail.restart()
    tail.write(lines(700, 1))
    tail.wait(701)
    assert "missing" not in tail.log()


def test_a_truncated_copy_is_found_after_a_restart(tail):
    tail.write(lines(0, 100))
    tail.start()
    tail.wait(100)
    tail.wait_saved()
    tail.process.kill()
    tail.write(lines(100, 100))
    shutil.copy(tail.path("mail.log"), tail.path("mail.log.1"))
    os.truncate(tail.path("mail.log"), 0)
    tail.write(lines(200, 500))
    tail.start()
    tail.wait(700)
    assert "missing" not in tail.log()


def test_what_was_compressed_while_it_was_down_is_said_to_be_missing(tail):
    tail.write(lines(0, 10))
    tail.start()
    tail.wait(10)
    tail.wait_saved()
    tail.process.kill()
    tail.write(lines(10, 5))
    with open(tail.path("mail.log"), "rb") as f, \
            gzip.open(tail.path("mail.log.2.gz"), "wb") as out:
        out.write(f.read())
    os.unlink(tail.path("mail.log"))
    tail.write(lines(20, 5), "mail.log.1")
    tail.write(lines(30, 5))
    tail.start()
    tail.wait(20)
    tail.wait_log(r"<3>.*mail.log: what was being read is gone: rotated, and "
                  r"compressed as mail.log.2.gz; its lines after 20\d\d-.*Z "
                  "are missing")
    tail.stop()
    assert int(tail.saved()["count"][8]) == 1


def test_another_file_with_the_same_inode_is_not_taken_for_it(tail):
    """As after rm and create on many file systems; here by overwriting."""
    tail.write(lines(0, 10))
    tail.start()
    tail.wait(10)
    tail.wait_saved()
    tail.process.kill()
    with open(tail.path("mail.log"), "wb") as f:
        f.write(lines(100, 50))
    tail.start()
    tail.wait(60)
    assert "rotated and removed, or overwritten" in tail.log()


def test_one_directory_has_one_tail(tail):
    tail.start()
    done = run([tail.program, "-c", tail.conf], ok=(75,))
    assert "another mailtrail-tail is at work there" in done.stderr


def test_a_damaged_state_is_said_and_costs_reading_twice(tail):
    tail.write(lines(0, 10))
    tail.start()
    tail.wait(10)
    tail.stop()
    with open(os.path.join(tail.state, "tail.state"), "r+b") as f:
        f.write(b"x")
    tail.start()
    tail.write(lines(10, 1))
    tail.wait(11)
    assert "tail.state: damaged; beginning as if nothing was ever read" in \
        tail.log()


def test_after_a_power_loss_it_begins_where_the_disk_has_it(tail):
    """Of another boot, the spool may lack what the state counts on."""
    tail.write(lines(0, 1000))
    tail.start()
    tail.wait(1000)
    tail.stop()
    path = os.path.join(tail.state, "tail.state")
    assert tail.saved()["place"] == tail.saved()["safe"]
    import zlib
    with open(path, encoding="ascii") as f:
        text = f.read()
    text = re.sub(r"boot .*\n", "boot another\n", text)
    text = re.sub(r"safe (\d+ \d+) .*\n", r"safe \1 0 0 0 0\n", text)
    text = text[:text.rindex("end ")]
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{text}end {zlib.crc32(text.encode()):08x}\n")
    for name in tail.segments():
        os.unlink(os.path.join(tail.spool, name))
    tail.seen.clear()
    tail.start()
    tail.wait(1000)


def test_a_full_spool_is_waited_for(tail):
    tail.configure(spool_segment="64k", spool_max="128k")
    tail.write(lines(0, 300))
    tail.start()
    tail.wait(300)
    tail.write(lines(300, 3000))
    tail.wait_log("spool: full: .*; waiting, the log keeps what is to come")
    tail.restart()

    def make_room():
        # What mailtrail-ship does with what is stored.
        tail.process.pause()
        n = len(tail.keys())
        for name in tail.segments():
            os.unlink(os.path.join(tail.spool, name))
        tail.process.resume()
        return n == 3300
    wait_for(make_room, 30, "all to come")
    assert len(tail.keys("line")) == 3300
    tail.stop()
    assert tail.log().count("spool: full") <= 4
    with open(os.path.join(tail.spool, "lost"), "rb") as f:
        assert f.read()[8:16] == bytes(8)


def test_ignored_addresses_leave_no_trace(tail):
    listed = tail.path("ignored")
    with open(listed, "w", encoding="ascii") as f:
        f.write("# monitors\nprobe@Example.net\n")
    tail.configure(ignore_addresses=f"watchdog@localhost @nagios.example "
                   f"{listed}")
    stamp = time.strftime("%b %e %H:%M:%S").encode()

    def delivery(n, rcpt):
        return stamp + (
            f" mx postfix/smtp[5]: {queue_id(n)}: to=<{rcpt}>, "
            "relay=mx.example.net[192.0.2.1]:25, delay=1, "
            "delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)\n").encode()
    for i, rcpt in enumerate(["a@example.com", "WATCHDOG@localhost",
                              "b@Nagios.Example", "probe@example.net",
                              "c@example.net"]):
        tail.write(delivery(i, rcpt))
    tail.start()
    tail.wait(2, "deliver")
    assert {e["rcpt"] for e in tail.events("deliver")} == \
        {"a@example.com", "c@example.net"}
    tail.stop()
    assert "ignored=3" in tail.log()


def test_unknown_lines_are_told_of_with_a_sample(tail):
    stamp = time.strftime("%b %e %H:%M:%S")
    for _ in range(3):
        tail.write(f"{stamp} mx postfix/smtpd[9]: strange new words\n"
                   .encode())
    tail.write(removed(0))
    tail.start()
    tail.wait(1)
    tail.stop()
    assert re.search(r"lines not understood: 3 of 'smtpd', such as: "
                     r"'strange new words'", tail.log()), tail.log()
    assert tail.saved()["unknown"][0] == "3"


def test_reload_takes_other_logs_and_keeps_the_place(tail):
    tail.write(lines(0, 10))
    tail.start()
    tail.wait(10)
    other = tail.path("other.log")
    tail.write(lines(10, 10), "other.log")
    tail.configure(log=f"{tail.path('mail.log')} {other}",
                   host="mx2.example.org")
    tail.process.signal(10)
    tail.wait_log("read the configuration again")
    tail.write(lines(20, 5))
    wait_for(lambda: {e["queue_id"] for e in tail.events("queue")} >=
             {queue_id(i) for i in range(25)}, 10, "all lines")
    hosts = {e["queue_id"]: e["host"] for e in tail.events("queue")}
    assert hosts[queue_id(24)] == "mx2.example.org"
    tail.configure(ignore_addresses="a@example.com a@")
    tail.process.signal(10)
    tail.wait_log("ignore_addresses: 'a@': not an address, @domain or "
                  "/path; keeping the old configuration")


@pytest.mark.parametrize("options,says", [
    ({"log": "mail.log"}, "log: 'mail.log': not /PATH, -, unixgram:/PATH"),
    ({"log": "/var/log/mail.log /var/log/mail.log"}, "given twice"),
    ({"log": "mailcow:postfix"}, "mailcow_url: needed"),
    ({"state_dir": "/proc/nowhere"}, "state_dir: /proc/nowhere: "),
    ({"ignore_addresses": "/nowhere"}, "ignore_addresses: /nowhere: No such"),
    ({"mailcow_redis": "here"}, "mailcow_redis: 'here': not unix:"),
])
def test_bad_options_are_named(tail, options, says):
    tail.configure(**options)
    done = run([tail.program, "-c", tail.conf], ok=(78,))
    assert says in done.stderr


@pytest.mark.parametrize("new", ["empty", "absent"])
def test_what_was_rotated_twice_does_not_wait_for_a_new_line(tail, new):
    tail.write(b"")
    tail.start()
    wait_for(lambda: "place" in tail.saved(), 10, "a place")
    tail.write(lines(0, 5))
    tail.wait(5)
    tail.stop()
    path = tail.path("mail.log")
    tail.write(lines(5, 5))
    os.rename(path, path + ".2")
    tail.write(lines(10, 5))
    os.rename(path, path + ".1")
    if new == "empty":
        tail.write(b"")
    tail.start()
    tail.wait(15)


ROTATIONS = 12  # at least, however slow the machine is


class Writer(threading.Thread):
    """Writes lines in pieces, some of them alike, and rotates meanwhile."""

    def __init__(self, tail, seconds, seed):
        super().__init__()
        self.tail, self.random = tail, random.Random(seed)
        self.end = time.monotonic() + seconds
        self.path = tail.path("mail.log")
        self.written = collections.Counter()
        self.rotations = collections.Counter()
        self.dated = 0
        self.failed = None

    def run(self):
        try:
            with open(self.path, "ab", buffering=0) as f:
                self.work(f)
        except Exception as error:  # told by the test
            self.failed = error

    def work(self, f):
        n = 0
        while time.monotonic() < self.end or \
                self.rotations.total() < ROTATIONS:
            for _ in range(self.random.randrange(1, 60)):
                n += self.random.random() < 0.8
                line = removed(n)
                cut = self.random.randrange(len(line))
                f.write(line[:cut])
                f.write(line[cut:])
                self.written[queue_id(n)] += 1
            time.sleep(self.random.random() * 0.01)
            if self.random.random() < 0.05:
                f = self.rotate(f)
        f.close()

    def shift(self):
        """mail.log.1 becomes mail.log.2 and so on."""
        i = 1
        while os.path.exists(f"{self.path}.{i}"):
            i += 1
        for j in range(i, 1, -1):
            os.rename(f"{self.path}.{j - 1}", f"{self.path}.{j}")

    def rotate(self, f):
        kind = self.random.choice(["numbered", "nocreate", "copy"])
        self.rotations[kind] += 1
        self.shift()
        if kind == "copy":
            shutil.copy(self.path, f"{self.path}.1")
            f.truncate(0)
            return f
        os.rename(self.path, f"{self.path}.1")
        if kind == "numbered":
            with open(self.path, "ab"):
                pass
        for _ in range(self.random.randrange(3)):  # not told yet
            line = removed(10 ** 6 + self.rotations.total())
            f.write(line)
            self.written[line.split(b": ")[1].decode()] += 1
        if self.random.random() < 0.5:
            time.sleep(0.02)
        f.close()
        return open(self.path, "ab", buffering=0)


@pytest.mark.parametrize("seed", range(3))
def test_every_line_has_one_key_through_rotations_and_kills(tail, seed):
    writer = Writer(tail, 6, seed)
    chance = random.Random(seed + 100)
    tail.write(b"")
    tail.start()
    wait_for(lambda: "place" in tail.saved(), 10, "a place")
    writer.start()
    kills = 0
    while writer.is_alive() or kills < 4:
        time.sleep(chance.random())
        tail.restart()
        kills += 1
    writer.join()
    assert writer.failed is None

    def keys():
        return collections.Counter(k[3] for k in tail.keys())
    wait_for(lambda: keys().total() >= writer.written.total(), 60,
             "all lines")
    assert keys() == writer.written
    assert "missing" not in tail.log()
    assert writer.rotations.total() >= ROTATIONS


def test_it_keeps_up_with_5000_lines_a_second(tail):
    tail.start()
    batch, n = 100, 0
    begun = time.monotonic()
    with open(tail.path("mail.log"), "ab", buffering=0) as f:
        while n < 20_000:
            f.write(lines(n, batch))
            n += batch
            time.sleep(max(0, begun + n / 5000 - time.monotonic()))
    took = time.monotonic() - begun
    tail.wait(n, timeout=5 if checked.plain() else 60)
    with open(f"/proc/{tail.process.pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    checked.assert_cost(used, took)
    with open(f"/proc/{tail.process.pid}/status", encoding="ascii") as f:
        memory = int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1])
    checked.assert_cost(memory, 20_000)
