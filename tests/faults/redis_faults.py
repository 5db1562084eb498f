# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with Redis while it runs."""

import contextlib
import os
import secrets

from .fault import fault

WAITING = [("ship", "keeping")]


@contextlib.contextmanager
def told(scene, command, again):
    """Redis is told a command, and later another."""
    with scene.redis.connect() as c:
        c.execute_command(*command.split())
    try:
        yield
    finally:
        with scene.redis.connect() as c:
            c.execute_command(*again.split())


@fault("redis out of memory", log=WAITING,
       doctor=[("redis", "takes no events.*OOM")])
def out_of_memory(scene, r):
    """Redis has reached maxmemory and refuses to store more."""
    with told(scene, "CONFIG SET maxmemory 1mb", "CONFIG SET maxmemory 0"):
        yield True


@fault("redis read-only", log=WAITING,
       doctor=[("redis", "takes no events.*READONLY")])
def read_only(scene, r):
    """Redis has been made the replica of a server that is not there."""
    with told(scene, "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"):
        yield True


@fault("redis disk full", hold=(2.0, 4.0), log=WAITING,
       doctor=[("redis", "append-only file|MISCONF")])
def disk_full(scene, r):
    """Redis cannot write its append-only file."""
    scene.redis_disk.fill()
    try:
        yield True
    finally:
        scene.redis_disk.free()
        scene.keep_servers()


@fault("redis emptied", log=[("ship", "sending again")])
def emptied(scene, r):
    """Redis dies, and comes back without anything it had."""
    scene.redis.kill()
    scene.redis.forget()
    try:
        yield False
    finally:
        scene.start_server("redis")


@fault("redis password changed", log=WAITING,
       doctor=[("redis", "WRONGPASS|NOAUTH")])
def password_changed(scene, r):
    """Redis wants another password; later the file, or Redis, is put right."""
    redis, new = scene.redis, secrets.token_hex(16)
    old = redis.password
    set_password(redis, new)
    try:
        yield True
    finally:
        if r.random() < 0.5:
            set_password(redis, old)
        else:
            write(redis.password_file, new)


def set_password(redis, password):
    with redis.connect() as c:
        c.execute_command("ACL", "SETUSER", redis.user, "resetpass",
                          f">{password}")
        c.execute_command("ACL", "SAVE")
        c.execute_command("CLIENT", "KILL", "TYPE", "normal")
    redis.password = password


def write(path, password):
    """By rename, with the owner the old one had."""
    owner = os.stat(path)
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(password + "\n")
    os.chmod(path + ".new", 0o600)
    os.chown(path + ".new", owner.st_uid, owner.st_gid)
    os.rename(path + ".new", path)
