# SPDX-License-Identifier: BSD-2-Clause
"""A private Redis: Unix socket, append-only file, optional ACL user."""

import os
import shutil

import redis as client

from .process import Process, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def default_user():
    """The line of conf/redis for the user whom nobody can be."""
    with open(os.path.join(ROOT, "conf", "redis", "mailtrail.acl"),
              encoding="ascii") as f:
        return f.readline()


class Redis:
    """redis-server in its own directory.

    With a user, that name and password are the only way in (the default user
    is switched off); password_file holds the password for programs of ours.
    """

    def __init__(self, lab, name="redis", user=None, password=None,
                 rules="~* &* +@all", port=0):
        self.directory = lab.subdir(name)
        self.socket = os.path.join(self.directory, "redis.sock")
        self.port = port
        self.user = user
        self.password = password
        self.password_file = None
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"unixsocket {self.socket}",
            "unixsocketperm 777",
            f"dir {self.directory}",
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
        ]
        if user is not None:
            acl = os.path.join(self.directory, "users.acl")
            with open(acl, "w", encoding="ascii") as f:
                f.write(default_user() +
                        f"user {user} on >{password} {rules}\n")
            lines.append(f"aclfile {acl}")
            self.password_file = os.path.join(self.directory, "password")
            with open(self.password_file, "w", encoding="ascii") as f:
                f.write(password + "\n")
            os.chmod(self.password_file, 0o600)
        self.conf = os.path.join(self.directory, "redis.conf")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        self.process = Process("redis", ["redis-server", self.conf],
                               self.directory)
        lab.add(self)

    def connect(self):
        """A client of it; decoded to text."""
        return client.Redis(unix_socket_path=self.socket, username=self.user,
                            password=self.password, decode_responses=True,
                            socket_timeout=30)

    def _ready(self):
        try:
            with self.connect() as c:
                return c.ping()
        except client.exceptions.RedisError:
            return False  # not yet there, or still reading its file

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process.start(self._ready)
        return self

    def stop(self):
        return self.process.stop()

    def kill(self):
        self.process.kill()

    def change_password(self, password):
        """Of its user, whose file is left alone and who must log in anew."""
        with self.connect() as c:
            c.execute_command("ACL", "SETUSER", self.user, "resetpass",
                              f">{password}")
            c.client_kill_filter(_type="normal", skipme=True)
        self.password = password

    def throw_out(self):
        """Every client must connect anew."""
        with self.connect() as c:
            c.client_kill_filter(_type="normal", skipme=True)

    def forget(self):
        """Throw the data away: what starts next is an empty new server."""
        assert not self.process.running()
        shutil.rmtree(os.path.join(self.directory, "appendonlydir"),
                      ignore_errors=True)

    def save_copy(self, directory):
        """Copy the append-only files, for setting it back to this moment."""
        wait_for(self.synced, 5, "redis to sync its file")
        shutil.copytree(os.path.join(self.directory, "appendonlydir"),
                        directory, dirs_exist_ok=True)

    def set_back(self, directory):
        """The opposite of save_copy, on a stopped server."""
        self.forget()
        shutil.copytree(directory,
                        os.path.join(self.directory, "appendonlydir"))

    def synced(self):
        with self.connect() as c:
            return c.info("persistence")["aof_pending_bio_fsync"] == 0
