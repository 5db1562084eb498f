# SPDX-License-Identifier: BSD-2-Clause
"""The samples under conf/ are taken by the servers they are for."""

import hashlib
import os
import re
import shutil

import pymysql
import pytest

from tests.lib.client import html_message, send
from tests.lib.mariadb import MariaDB
from tests.lib.nginx import Nginx
from tests.lib.postfix import Postfix
from tests.lib.process import Process, answers, free_port, run, wait_for


def parameters(path):
    """main.cf as {name: value}, continuation lines joined."""
    found, name = {}, None
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line[0].isspace():
            found[name] = f"{found[name]} {line.strip()}".strip()
        else:
            name, _, value = (p.strip() for p in line.partition("="))
            found[name] = value
    return found


def test_postfix_takes_the_sample_and_mail_flows_without_the_milter(
        root, own_lab, needs_root, sink):
    sample = parameters(root / "conf/postfix/main.cf")
    assert sample["smtpd_milters"].startswith("{ unix:mailtrail/milter.sock,")
    assert "default_action=accept" in sample["smtpd_milters"]
    # The rspamd of the sample is another test's business.
    sample["smtpd_milters"] = sample["smtpd_milters"].rpartition(",")[0]
    postfix = Postfix(own_lab, sink=sink.port)
    run(["postconf", "-c", postfix.conf, "-e",
         *[f"{k} = {v}" for k, v in sample.items()]])
    assert run(["postconf", "-c", postfix.conf, "-n"]).stderr == ""
    postfix.start()
    queue_id = send(postfix.port, html_message("<no.milter@example.org>"),
                    "alice@example.org", ["bob@example.com"])
    assert len(queue_id) >= 15
    sink.wait("<no.milter@example.org>")
    assert "connect to Milter service unix:mailtrail/milter.sock: " \
        "No such file" in postfix.log()
    postfix.sendmail(html_message("<pickup.no.milter@example.org>"),
                     "alice@example.org", ["bob@example.com"])
    sink.wait("<pickup.no.milter@example.org>")


def private(text, lab, port):
    """A web server's sample with paths and ports of the lab's own."""
    text = text.replace("/var/log/nginx/", f"{lab.directory}/")
    text = text.replace("/run/mailtrail/", f"{lab.directory}/")
    return re.sub(r"listen 80;", f"listen 127.0.0.1:{port};", text)


def fetch(url, *options):
    return run(["curl", "-s", "-i", "--max-time", "10", *options,
                url]).stdout


def test_nginx_takes_the_sample_and_answers_while_the_pixel_is_away(
        root, own_lab):
    port = free_port()
    sample = own_lab.path("mailtrail.conf")
    with open(sample, "w", encoding="utf-8") as f:
        f.write(private((root / "conf/nginx/mailtrail.conf").read_text(),
                        own_lab, port))
    nginx = Nginx(own_lab)
    with open(nginx.conf, "r+", encoding="utf-8") as f:
        text = f.read().replace("http {", f"http {{ include {sample};", 1)
        f.seek(0)
        f.write(text)
    said = run(["nginx", "-t", "-p", nginx.directory, "-c", nginx.conf])
    assert "test is successful" in said.stderr
    assert "warn" not in said.stderr
    nginx.start()
    token = "A" * 34
    answer = fetch(f"http://127.0.0.1:{port}/i/{token}.gif",
                   "-H", "Host: track.example.org")
    head = answer.lower()
    assert head.startswith("http/1.1 200 ")
    assert "content-type: image/gif" in head
    assert "content-length: 43" in head
    assert "cache-control: no-store, no-cache, must-revalidate, max-age=0, " \
        "private" in head
    for absent in ("last-modified", "etag", "set-cookie"):
        assert absent not in head
    log = wait_for(lambda: open(own_lab.path("mailtrail.log"),
                                encoding="utf-8").read(), 5, "the log")
    assert log.startswith("127.0.0.0 [")
    logs = log + nginx.process.text()
    assert token not in logs and "127.0.0.1" not in logs


def test_apache_takes_the_sample(root, own_lab):
    if shutil.which("apache2") is None:
        pytest.skip("no apache2")
    modules = "/usr/lib/apache2/modules"
    sample = (root / "conf/apache/mailtrail.conf").read_text()
    # As the sample says, and what Debian has on by itself.
    wanted = re.search(r"a2enmod (.*) &&", sample)[1].split()
    conf = own_lab.path("apache.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(f"ServerRoot {own_lab.directory}\nServerName localhost\n"
                f"PidFile {own_lab.directory}/apache.pid\n"
                f"DefaultRuntimeDir {own_lab.directory}\n"
                f"Listen 127.0.0.1:{free_port()}\nUser nobody\n"
                f"Group nogroup\n"
                f"ErrorLog {own_lab.directory}/apache-error.log\n")
        for name in ("mpm_event", "authz_core", "proxy", *wanted):
            f.write(f"LoadModule {name}_module {modules}/mod_{name}.so\n")
        f.write(private(sample, own_lab, 0))
    said = run(["apache2", "-t", "-f", conf],
               env=dict(os.environ, APACHE_LOG_DIR=own_lab.directory))
    assert said.stderr.strip() == "Syntax OK"


def test_lighttpd_takes_the_sample(root, own_lab):
    if shutil.which("lighttpd") is None:
        pytest.skip("no lighttpd")
    sample = (root / "conf/lighttpd/mailtrail.conf").read_text()
    # As the sample says; and Debian's own configuration has mod_alias.
    wanted = re.search(r"lighttpd-enable-mod (.*) mailtrail", sample)[1]
    modules = ", ".join(f'"mod_{name}"'
                        for name in ["alias", *wanted.split()])
    conf = own_lab.path("lighttpd.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(f'server.modules = ( {modules} )\n'
                f'server.document-root = "{own_lab.directory}"\n'
                f'server.bind = "127.0.0.1"\nserver.port = {free_port()}\n'
                f'accesslog.filename = "{own_lab.directory}/access.log"\n')
        f.write(private(sample, own_lab, 0))
    said = run(["lighttpd", "-tt", "-f", conf])
    assert said.stderr == ""


def test_redis_takes_the_sample_and_the_user_reaches_streams_only(
        root, own_lab):
    socket = own_lab.path("redis.sock")
    acl = own_lab.path("mailtrail.acl")
    password = "correct horse"
    digest = hashlib.sha256(password.encode()).hexdigest()
    text = (root / "conf/redis/mailtrail.acl").read_text()
    assert "resetpass" in text and ">" not in text
    with open(acl, "w", encoding="ascii") as f:
        f.write(text.replace("resetpass", f"#{digest}"))
    conf = own_lab.path("redis.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write((root / "conf/redis/mailtrail.conf").read_text()
                .replace("/run/redis/redis-server.sock", socket)
                .replace("/etc/redis/mailtrail.acl", acl)
                + f"dir {own_lab.directory}\n")
    server = Process("redis", ["redis-server", conf], own_lab.directory)
    own_lab.add(server)
    server.start(lambda: answers(socket))

    def cli(*words):
        return run(["redis-cli", "-s", socket, *words]).stdout.strip()

    login = ("--user", "mailtrail", "--pass", password, "--no-auth-warning")
    assert "NOAUTH" in cli("ping")
    assert cli(*login, "ping") == "PONG"
    assert cli(*login, "xadd", "mailtrail:events", "1-1", "a", "1") == "1-1"
    assert cli(*login, "xlen", "mailtrail:events") == "1"
    assert "NOPERM" in cli(*login, "xadd", "other", "*", "a", "1")
    assert "NOPERM" in cli(*login, "flushall")
    assert "NOPERM" in cli(*login, "config", "get", "*")
    assert "appendonly yes" in open(conf, encoding="ascii").read()


def test_mariadb_takes_the_settings(root, own_lab):
    lines = [line for line in (root / "conf/mariadb/mailtrail.cnf")
             .read_text().splitlines()
             if line and not line.startswith(("#", "["))]
    server = MariaDB(own_lab, settings=lines).start()
    assert server.query("SELECT @@innodb_buffer_pool_size DIV 1048576, "
                        "@@innodb_flush_log_at_trx_commit") == ((512, 1),)
    assert "unknown variable" not in server.process.text()


def test_mariadb_takes_roles_and_users_twice(root, own_lab):
    server = MariaDB(own_lab).start()
    database = (root / "schema/database.sql").read_text()
    users = (root / "conf/mariadb/users.sql").read_text()
    for _ in range(2):
        server.script(database)
        server.script(users.replace("PASSWORD", "secret"))
    server.accounts.update(analyst="secret", mailtrail_admin="secret")
    with server.connect("mailtrail", account="mailtrail_admin") as c, \
            c.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT)")
        cursor.execute("CREATE VIEW v_message AS SELECT a FROM t")
    server.query("GRANT SELECT ON mailtrail.v_message TO mailtrail_reader")
    with server.connect(account="analyst") as c, c.cursor() as cursor:
        cursor.execute("SELECT * FROM mailtrail.v_message")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("SELECT * FROM mailtrail.t")
