# SPDX-License-Identifier: BSD-2-Clause
"""The fixtures are what they say: every later test stands on them."""

import os
import signal
import subprocess

import pytest

from tests.lib.client import Crowd, html_message, send
from tests.lib.mariadb import MariaDB
from tests.lib.nginx import Nginx
from tests.lib.postfix import Postfix
from tests.lib.process import Failed, Lab, Process, members, run, wait_for
from tests.lib.proxy import Proxy
from tests.lib.redis import Redis


def test_redis_keeps_what_was_synced_over_a_kill(own_lab):
    server = Redis(own_lab).start()
    with server.connect() as c:
        assert c.config_get("appendonly") == {"appendonly": "yes"}
        c.xadd("s", {"a": "1"})
        before = c.info("server")["run_id"]
        # waitaof is Redis 7.2; everysec syncs within two seconds
        wait_for(lambda: c.info("persistence")["aof_last_write_status"]
                 == "ok" and c.info("persistence")["aof_buffer_length"] == 0,
                 5, "the append-only file")
    server.kill()
    server.start()
    with server.connect() as c:
        assert c.xlen("s") == 1
        assert c.info("server")["run_id"] != before
    server.stop()
    server.forget()
    server.start()
    with server.connect() as c:
        assert c.xlen("s") == 0


def test_redis_lets_only_the_acl_user_in(own_lab):
    server = Redis(own_lab, user="mailtrail", password="s3cret").start()
    denied = run(["redis-cli", "-s", server.socket, "ping"])
    assert "NOAUTH" in denied.stdout
    with open(server.password_file, encoding="ascii") as f:
        assert f.read() == "s3cret\n"
    with server.connect() as c:
        assert c.acl_whoami() == "mailtrail"


def test_redis_keeps_what_a_group_was_given(own_lab):
    """With the default user of our sample, who is off: see conf/redis."""
    redis = Redis(own_lab, user="mailtrail", password="secret").start()
    with redis.connect() as c:
        c.xgroup_create("s", "g", id="0", mkstream=True)
        for i in range(10):
            c.xadd("s", {"n": i})
        c.xreadgroup("g", "c", {"s": ">"}, count=4)
        before = c.xinfo_groups("s")[0]
    wait_for(redis.synced, 5, "redis to sync its file")
    redis.kill()
    redis.start()
    with redis.connect() as c:
        after = c.xinfo_groups("s")[0]
    assert before["pending"] == after["pending"] == 4
    assert before["last-delivered-id"] == after["last-delivered-id"]


def test_mariadb_has_a_database_a_test(mariadb, database):
    mariadb.query("CREATE TABLE t (a INT PRIMARY KEY)", database=database)
    mariadb.query("INSERT INTO t VALUES (1)", database=database)
    assert mariadb.query("SELECT * FROM t", database=database) == ((1,),)


def test_mariadb_is_not_root_and_lives_in_24_megabytes(own_lab):
    server = MariaDB(own_lab, buffer_pool="24M").start()
    uid = os.stat(f"/proc/{server.process.pid}").st_uid
    assert os.geteuid() != 0 or uid != 0
    assert server.query("SELECT @@innodb_buffer_pool_size DIV 1048576, "
                        "@@skip_networking") == ((24, 1),)
    path = server.account("reader", "pass", ["SELECT ON mysql.*"])
    assert open(path, encoding="ascii").read() == "pass\n"
    with server.connect(account="reader") as c, c.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone() == ("reader@localhost",)
    server.kill()
    server.start()


def test_a_message_is_signed_delivered_and_verifies(postfix, rspamd, sink):
    message_id = "<signed@example.org>"
    queue_id = send(postfix.port, html_message(message_id),
                    "alice@example.org", ["bob@example.com"])
    assert len(queue_id) >= 15, "long queue ids are on"
    envelope = sink.wait(message_id)
    assert envelope["recipients"] == ["bob@example.com"]
    data = sink.data(envelope)
    assert rspamd.verify(data)
    assert not rspamd.verify(data.replace(b"Hello, Bob", b"Hello, Eve"))
    wait_for(lambda: f"{queue_id}: to=<bob@example.com>" in postfix.log(), 10,
             "the delivery in Postfix's log")


def test_unauthenticated_mail_is_not_signed(postfix, rspamd, sink):
    message_id = "<unsigned@example.org>"
    send(postfix.ports["mx"], html_message(message_id),
         "stranger@example.net", ["bob@example.com"], xclient="192.0.2.7")
    data = sink.data(sink.wait(message_id))
    assert b"DKIM-Signature" not in data


def test_sendmail_reaches_the_sink(postfix, sink):
    message_id = "<pickup@example.org>"
    postfix.sendmail(html_message(message_id), "alice@example.org",
                     ["bob@example.com"])
    assert sink.wait(message_id)["sender"] == "alice@example.org"


def test_refusals_and_delays_come_from_the_sink(postfix, sink):
    queue_id = send(postfix.port, html_message("<refused@example.org>"),
                    "alice@example.org",
                    ["refuse.me@example.com", "bob@example.com"])
    sink.wait("<refused@example.org>")
    wait_for(lambda: f"{queue_id}: to=<refuse.me@example.com>"
             in postfix.log() and "status=bounced" in postfix.log(), 10,
             "the bounce in the log")


def test_a_crowd_delivers_everything_once(postfix, rspamd, sink):
    ids = [f"<crowd.{n}@example.org>" for n in range(200)]
    crowd = Crowd(postfix.port, [
        (i, "alice@example.org", ["bob@example.com"], html_message(i))
        for i in ids]).start().join()
    assert sorted(crowd.accepted) == sorted(ids)
    assert not crowd.failed and not crowd.doubtful
    postfix.wait_empty()
    got = [e for e in sink.envelopes() if e["message_id"] in set(ids)]
    assert sorted(e["message_id"] for e in got) == sorted(ids)
    assert all(rspamd.verify(sink.data(e)) for e in got)


def test_the_proxy_breaks_and_heals(redis, own_lab):
    proxy = Proxy(own_lab, redis.socket)

    def ping():
        # -13: the connection broke while it wrote.
        return run(["redis-cli", "-s", proxy.socket, "ping"], ok=(0, 1, -13),
                   timeout=5).stdout.strip()

    assert ping() == "PONG"
    proxy.refuse()
    assert ping() != "PONG"
    proxy.heal()
    proxy.garble()
    assert "PONG" not in ping()
    proxy.heal()
    proxy.cut_after(3)
    assert ping() != "PONG"
    assert ping() == "PONG"
    proxy.stall()
    with pytest.raises(subprocess.TimeoutExpired):
        run(["redis-cli", "-s", proxy.socket, "ping"], timeout=0.3)
    proxy.heal()
    assert ping() == "PONG"
    assert proxy.seen >= 6


def test_nginx_answers(own_lab):
    server = Nginx(own_lab, locations="location = /t { return 204; }")
    server.start()
    out = run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}",
               server.url + "/t"]).stdout
    assert out == "204"


def test_a_program_that_ends_early_is_an_error_with_its_log(own_lab):
    p = Process("sh", ["sh", "-c", "echo no such thing; exit 3"],
                own_lab.directory)
    with pytest.raises(Failed, match=r"sh ended with 3:\nno such thing"):
        p.start(lambda: False)


def test_stop_ends_a_program_that_ignores_sigterm(own_lab):
    p = Process("deaf", ["sh", "-c", "trap '' TERM; echo up; while :; do "
                         "sleep 0.05; done"], own_lab.directory)
    p.start(lambda: "up" in p.text())
    assert p.stop(timeout=0.2) == -signal.SIGKILL


def test_a_closed_lab_leaves_no_process():
    with Lab() as lab:
        servers = [Redis(lab).start(), Nginx(lab).start()]
        if os.geteuid() == 0:
            servers.append(Postfix(lab).start())
        pids = [s.process.pid for s in servers]
    for pid in pids:
        assert members(pid) == []
    assert not os.path.exists(lab.directory)
