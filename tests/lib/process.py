# SPDX-License-Identifier: BSD-2-Clause
"""Processes, waiting, ports: what every private server needs."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .checked import wrapped

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failed(AssertionError):
    """Something did not happen in time, or a program ended early."""


def wait_for(condition, timeout=10.0, what=None, interval=0.01):
    """Call condition until it returns something true; return that.

    An OSError or ConnectionError counts as "not yet" and is quoted when the
    time is up. The pause between calls grows from interval to 0.2 s.
    """
    end = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (OSError, ConnectionError) as error:
            last = error
        left = end - time.monotonic()
        if left <= 0:
            raise Failed(f"waited {timeout:g} s in vain for "
                         f"{what or condition.__name__}; last: {last!r}")
        time.sleep(min(interval, left))
        interval = min(interval * 1.5, 0.2)


_handed_out = set()
# Workers, which run files of tests beside each other, have ports of their own.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


def free_port():
    """A loopback port nobody listens on, never the same twice in a run."""
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        # By halves: the kernel gives odd ones only, while there are any.
        if port // 2 % _WORKERS == _WORKER and port not in _handed_out:
            _handed_out.add(port)
            return port


def answers(address, greeting=b""):
    """Whether something accepts at (host, port) or a socket path.

    With a greeting, it must also begin its first line with that.
    """
    family = socket.AF_UNIX if isinstance(address, (str, os.PathLike)) \
        else socket.AF_INET
    if family == socket.AF_UNIX:
        address = os.fspath(address)
    try:
        with socket.socket(family) as s:
            s.settimeout(2)
            s.connect(address)
            return s.recv(len(greeting)) == greeting if greeting else True
    except OSError:
        return False


def user(*names):
    """The first of these users that exists, when we are root; else None.

    Servers that refuse to be root, or should not be, run as that user.
    """
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failed(f"none of the users {', '.join(names)} exists")


def members(group):
    """The living processes of a process group (a zombie is not living)."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8",
                      errors="replace") as f:
                state, _, pgrp = f.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it ended meanwhile
        if int(pgrp) == group and state != "Z":
            found.append(int(entry))
    return found


def start_time(pid):
    """When pid started, in the kernel's ticks; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8",
                  errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def states(pid):
    """The state of each thread of a process: R, S, T and so on."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8",
                  errors="replace") as f:
            found.append(f.read().rpartition(")")[2].split()[0])
    return found


def state(pid):
    """The letter of /proc, None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8",
                  errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0]
    except OSError:
        return None


@contextlib.contextmanager
def stopped(pid):
    """SIGSTOP, and SIGCONT at the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: state(pid) in ("T", "Z", None), 10,
                 f"{pid} to stop")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def children(parent, name):
    """The pids of a process's children of that name."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{entry}/stat", encoding="utf-8",
                      errors="replace") as f:
                comm, _, rest = f.read().partition("(")[2].rpartition(")")
            if comm == name and int(rest.split()[1]) == parent:
                found.append(int(entry))
    return found


def end(pid, since, timeout=10.0):
    """Stop a process of an earlier run, named by pid and start_time.

    Whatever has that pid now and is not it, is left alone. Its process group
    goes with it, as with Process.stop(). True when there was one to stop.
    """
    if start_time(pid) != since:
        return False
    os.kill(pid, signal.SIGTERM)
    try:
        wait_for(lambda: start_time(pid) != since, timeout)
    except Failed:
        pass
    if members(pid):
        os.killpg(pid, signal.SIGKILL)
        wait_for(lambda: not members(pid), 10, f"group {pid} to end")
    return True


class Process:
    """One program, its log, and its end.

    The program leads a process group of its own, so that stop() and kill()
    reach its children (Postfix's and nginx's), and only those.
    """

    # Whether programs go on when whoever started them has ended.
    outlive = False
    # Open files they get beside the first three, under the same numbers.
    pass_fds = ()

    def __init__(self, name, argv, directory, env=None, run_as=None):
        self.name = name
        self.argv = [os.fspath(a) for a in argv]
        self.directory = os.fspath(directory)
        self.log = os.path.join(self.directory, f"{name}.log")
        self.env = env
        self.run_as = run_as
        self.popen = None

    @property
    def pid(self):
        return self.popen.pid

    def start(self, ready=None, timeout=30.0):
        """Start it; with ready, return only when ready() is true."""
        env = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        env.update(self.env or {})
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                wrapped(self.argv), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
                cwd=self.directory, env=env, start_new_session=True,
                pass_fds=self.pass_fds, preexec_fn=self._become)
        if ready is not None:
            wait_for(lambda: self._check() and ready(), timeout,
                     f"{self.name} to answer (its log: {self.log})")
        return self

    def start_notify(self, timeout=30.0):
        """Start a program that tells systemd when it is ready (READY=1)."""
        path = os.path.join(self.directory, f"{self.name}.notify")
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            os.chmod(path, 0o777)
            s.setblocking(False)
            self.env = {**(self.env or {}), "NOTIFY_SOCKET": path}

            def ready():
                try:
                    return b"READY=1" in s.recv(4096).split(b"\n")
                except BlockingIOError:
                    return False

            return self.start(ready, timeout)

    def _become(self):
        if self.run_as is not None:
            os.initgroups(self.run_as.pw_name, self.run_as.pw_gid)
            os.setgid(self.run_as.pw_gid)
            os.setuid(self.run_as.pw_uid)
        if not self.outlive:
            # A test run that is killed must not leave servers behind.
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def _check(self):
        code = self.popen.poll()
        if code is not None:
            raise Failed(f"{self.name} ended with {code}:\n{self.tail()}")
        return True

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        """To the program alone, if it still runs."""
        if self.running():
            self.popen.send_signal(number)

    def pause(self):
        """SIGSTOP it; on return none of its threads runs any more."""
        self.signal(signal.SIGSTOP)
        wait_for(lambda: set(states(self.pid)) == {"T"}, 10,
                 f"{self.name} to stop")

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout=10.0):
        """Its exit code (negative: the signal that ended it)."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end in {timeout:g} s:\n"
                         f"{self.tail()}") from None

    def kill(self):
        """SIGKILL it and its group, as a crash would."""
        if self.popen is not None:
            self._kill_group()

    def started(self):
        """What names the running process for ever: pid and start time."""
        return {"name": self.name, "pid": self.pid,
                "since": start_time(self.pid)}

    def stop(self, timeout=10.0):
        """SIGTERM, then after timeout SIGKILL; returns the exit code."""
        if self.popen is None:
            return None
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        # Children that outlived the program, or the program itself.
        return self._kill_group()

    def _kill_group(self):
        # The group's number is the leader's pid, which nobody else can have
        # while a member lives; a vanished group is what we want.
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        code = self.popen.wait()
        wait_for(lambda: not members(self.pid), 10,
                 f"the children of {self.name} to end")
        return code

    def text(self):
        """Everything it wrote so far."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def tail(self, lines=40):
        return "\n".join(self.text().splitlines()[-lines:])


def run(argv, ok=(0,), timeout=120.0, **kwargs):
    """Run to the end; an unexpected code is an error with its output."""
    argv = [os.fspath(a) for a in argv]
    done = subprocess.run(argv, capture_output=True, timeout=timeout,
                          stdin=kwargs.pop("stdin", subprocess.DEVNULL)
                          if "input" not in kwargs else None, **kwargs)
    done.stdout = done.stdout.decode("utf-8", "replace")
    done.stderr = done.stderr.decode("utf-8", "replace")
    if done.returncode not in ok:
        raise Failed(f"{' '.join(argv)}: ended with {done.returncode}\n"
                     f"{done.stdout}{done.stderr}")
    return done


class Lab:
    """A run's directory, and what must be stopped before it goes.

    The directory is short, for Unix sockets, and open to other users, since
    Postfix, MariaDB and rspamd give up root.
    """

    def __init__(self, directory=None):
        self.keep = directory is not None
        if directory is None:
            directory = tempfile.mkdtemp(prefix="mt-", dir="/tmp")
        self.directory = os.path.abspath(os.fspath(directory))
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        self.servers = []

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def subdir(self, name, mode=0o755, owner=None):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if owner is not None:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        return path

    def program(self, path):
        """A copy that everybody may run: a build may lie where they may
        not. Made once: it may be running."""
        copy = os.path.join(self.subdir("bin"), os.path.basename(path))
        if not os.path.exists(copy):
            shutil.copy(path, copy)
        return copy

    def add(self, server):
        """Remember it; stop() is called on it in reverse order."""
        self.servers.append(server)
        return server

    def logs(self):
        """(name, tail) of every log in the lab, for a failure report."""
        for root, dirs, files in os.walk(self.directory):
            dirs[:] = sorted(d for d in dirs if d not in ("data", "queue"))
            for name in sorted(files):
                if name.endswith(".log"):
                    path = os.path.join(root, name)
                    with open(path, encoding="utf-8",
                              errors="replace") as log:
                        text = log.read().splitlines()[-40:]
                    if text:
                        yield (os.path.relpath(path, self.directory),
                               "\n".join(text))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        errors = []
        while self.servers:
            server = self.servers.pop()
            try:
                server.stop()
            except Exception as error:  # the others must be stopped too
                errors.append(error)
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)
        if errors:
            raise errors[0]
