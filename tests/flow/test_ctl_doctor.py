# SPDX-License-Identifier: BSD-2-Clause
"""`mailtrail doctor` names what is wrong, one thing at a time.

That nothing is wrong where nothing is wrong: tests/e2e/test_doctor.py.
"""

import os
import re
import socket
import stat
import threading

import pytest

from tests.lib.ctl import EX_CONFIG, EX_USAGE
from tests.lib.doctor import checks, only
from tests.lib.nginx import Nginx
from tests.lib.postfix import Postfix, milter
from tests.lib.process import free_port
from tests.lib.redis import Redis

GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f9040100000000"
                    "2c00000000010001000002024401003b")


def test_lines_say_what_json_says(doctor):
    said = doctor.json("doctor", ok=(0, 1))
    out, err = doctor("doctor", ok=(1,))
    assert err == ""
    lines = out.splitlines()
    heads = [re.match(r"(ok|warn|FAIL) +(\w+) +", line) for line in lines]
    assert [m.groups() for m in heads if m] == \
        [(c["state"], c["step"]) for c in said["checks"]]
    assert lines[-1] == (f"{said['ok']} ok, {said['warn']} to look at, "
                         f"{said['fail']} failing")
    remedies = [line.strip() for line in lines if "-> " in line]
    assert remedies == [f"-> {c['remedy']}" for c in said["checks"]
                        if c["remedy"]]


def test_bad_usage(doctor):
    doctor.fails(EX_USAGE, "mailtrail doctor: unexpected argument 'x'",
                 "doctor", "x")
    doctor.fails(EX_CONFIG, "mailtrail doctor: -o redis_port=1: unknown "
                 "option 'redis_port'", "doctor", "-o", "redis_port=1")


def test_nothing_is_there(ctl, tmp_path):
    said = ctl.json("doctor", "--postfix-config", tmp_path, ok=(1,))
    failing = {c["step"] for c in said["checks"] if c["state"] == "FAIL"}
    assert failing == {"postfix", "keys", "spool", "redis", "mariadb"}
    assert checks(ctl, "policy")[0][0] == "warn"
    assert checks(ctl, "pixel")[0][0] == "warn"


# --- programs

def milter_conf(ctl, directory, **options):
    options = {k: ctl.options[k] for k in ("token_keys", "spool_dir",
                                           "policy_snapshot")} | options
    (directory / "milter.conf").write_text(
        "".join(f"{k} = {v}\n" for k, v in options.items()))


def test_option_files_are_checked_by_their_programs(doctor, tmp_path):
    conf = tmp_path / "conf"
    conf.mkdir()
    found, remedy = only(doctor, "config", "warn", "--config-dir", conf)
    assert found == f"no program has an option file in {conf}"
    (conf / "ship.conf").write_text(f"spool_dir = {tmp_path}/spool\n")
    (tmp_path / "elsewhere").mkdir()
    milter_conf(doctor, conf, spool_dir=f"{tmp_path}/elsewhere")
    (conf / "pixel.conf").write_text("listne = unix:/x\n")
    said = checks(doctor, "config", "--config-dir", conf)
    assert ("ok", f"{conf}/ship.conf", None) in said
    failing = [c[1] for c in said if c[0] == "FAIL"]
    assert failing == [
        f"mailtrail-pixel: {conf}/pixel.conf:1: unknown option 'listne'",
        f"spool_dir: {tmp_path}/elsewhere in milter.conf, but "
        f"{tmp_path}/spool in ship.conf"]


def test_a_socket_without_a_program(doctor, tmp_path):
    path = tmp_path / "m.sock"
    milter_conf(doctor, tmp_path, listen=f"unix:{path}")
    found, remedy = only(doctor, "socket", "FAIL")
    assert found == (f"mailtrail-milter is not running: unix:{path}: "
                     "No such file or directory")
    assert "systemctl start mailtrail-milter" in remedy
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        found, _ = only(doctor, "socket", "FAIL")
        assert found.endswith("Connection refused")
        s.listen(0)
        # With room in the queue of connections, and without.
        for _ in range(3):
            found, remedy = only(doctor, "socket", "FAIL")
            assert found == (
                f"mailtrail-milter does not answer at unix:{path} within "
                "2 s, although somebody listens")
            assert "systemctl restart mailtrail-milter" in remedy


def test_a_socket_of_another_program(doctor, tmp_path):
    port = free_port()
    milter_conf(doctor, tmp_path, listen=f"inet:{port}@127.0.0.1")
    found, _ = only(doctor, "socket", "FAIL")
    assert found == (f"mailtrail-milter is not running: inet:{port}@"
                     "127.0.0.1: Connection refused")
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
        s.listen()

        def greet():
            with s.accept()[0] as c:
                c.sendall(b"220 hello\r\n")
                c.recv(1000)

        greeter = threading.Thread(target=greet)
        greeter.start()
        found, remedy = only(doctor, "socket", "FAIL")
        greeter.join()
        assert found == (f"mailtrail-milter at inet:{port}@127.0.0.1: what "
                         "answers does not speak milter")
        assert "listen" in remedy


# --- Postfix: postconf reads the directory; nothing has to run

OURS = "mailtrail/milter.sock"
RSPAMD = "inet:localhost:11332"


@pytest.fixture
def postfix(doctor, own_lab):
    """A function that configures an instance and returns its checks."""
    def check(milters, chroot=False, bind=True, mode=0o777, **settings):
        instance = Postfix(own_lab, milters=milters, settings=settings)
        queue = os.path.join(instance.directory, "queue")
        os.makedirs(os.path.join(queue, "mailtrail"), exist_ok=True)
        if chroot:
            path = os.path.join(instance.conf, "master.cf")
            with open(path, encoding="ascii") as f:
                text = f.read()
            with open(path, "w", encoding="ascii") as f:
                f.write(re.sub(r"inet n  -       n ", "inet n  -       y ",
                               text))
        where = os.path.join(queue, OURS)
        with socket.socket(socket.AF_UNIX) as s:
            if bind:
                s.bind(where)
                s.listen()
                os.chmod(where, mode)
            said = checks(doctor, "postfix", "--postfix-config",
                          instance.conf)
        if bind:
            os.unlink(where)
        assert all(state == "ok" or remedy for state, _, remedy in said)
        return queue, [(state, found) for state, found, _ in said
                       if state != "ok"]
    return check


def test_postfix_as_our_sample_has_it(postfix, root):
    assert postfix([milter(OURS), RSPAMD])[1] == []
    assert postfix([milter(OURS), RSPAMD], chroot=True)[1] == []
    text = (root / "conf/postfix/main.cf").read_text()
    entry = re.search(r"^smtpd_milters =\n((?:    .*\n)+)", text, re.M)[1]
    assert postfix([" ".join(entry.split())])[1] == []


@pytest.mark.parametrize("milters, settings, expected", [
    ([RSPAMD], {},
     [("FAIL", "smtpd_milters: our milter is not among the 1")]),
    ([], {}, [("FAIL", "smtpd_milters: our milter is not among the 0")]),
    ([RSPAMD, milter(OURS)], {},
     [("FAIL", f"smtpd_milters: {RSPAMD} signs before our milter changes "
       "the message")]),
    (["inet:localhost:8893", milter(OURS)], {},
     [("warn", "smtpd_milters: inet:localhost:8893 comes before our "
       "milter")]),
    ([milter(OURS, default_action="tempfail")], {},
     [("FAIL", "default_action is tempfail: mail waits when our milter is "
       "away")]),
    ([milter(OURS, content_timeout="5m")], {},
     [("warn", "content_timeout is 5m: a milter that hangs delays each "
       "message by that; 60s is enough")]),
    ([f"unix:{OURS}"], {"milter_default_action": "tempfail"},
     [("FAIL", "default_action is tempfail: mail waits when our milter is "
       "away"),
      ("warn", "connect_timeout is 30s: a milter that hangs delays each "
       "message by that; 5s is enough"),
      ("warn", "command_timeout is 30s: a milter that hangs delays each "
       "message by that; 5s is enough"),
      ("warn", "content_timeout is 300s: a milter that hangs delays each "
       "message by that; 60s is enough")]),
    ([milter(OURS)], {"enable_long_queue_ids": "no"},
     [("warn", "short queue ids are used again, and say nothing about "
       "time")]),
    ([milter(OURS)], {"non_smtpd_milters": ""},
     [("warn", "non_smtpd_milters is without our milter: mail by "
       "sendmail(1) is not seen")]),
    (["{ " + OURS], {}, [("FAIL", "smtpd_milters cannot be understood")]),
])
def test_what_is_wrong_with_postfix(postfix, milters, settings, expected):
    assert postfix(milters, **settings)[1] == expected


def test_the_socket_must_be_where_postfix_looks(postfix):
    queue, said = postfix([milter(OURS)], bind=False)
    assert said == [("FAIL", f"smtpd looks for our milter at {queue}/{OURS},"
                     " where there is no socket")]
    queue, said = postfix([milter("/run/mailtrail/m.sock")], chroot=True)
    assert said == [("FAIL", "smtpd, which is chrooted, looks for our "
                     f"milter at {queue}/run/mailtrail/m.sock, where there "
                     "is no socket")]
    queue, said = postfix([milter(OURS)], mode=0o700)
    assert said == [("FAIL", f"{queue}/{OURS}: mode 0700 lets nobody but "
                     "its owner connect")]


def test_a_postfix_that_is_none(doctor, tmp_path):
    found, _ = only(doctor, "postfix", "FAIL", "--postfix-config",
                    tmp_path)
    assert "main.cf: No such file or directory" in found


# --- this host's disk

def test_keys(doctor):
    path = doctor.options["token_keys"]
    assert checks(doctor, "keys")[0][:2] in [
        ("ok", f"{path}: 1 key, 0 is active, mode 0640")]
    os.chmod(path, 0o600)
    if os.geteuid() == 0:
        assert only(doctor, "keys", "warn")[0].endswith("mode 0600")
    os.chmod(path, 0o644)
    assert path in only(doctor, "keys", "FAIL")[0]
    os.unlink(path)
    assert only(doctor, "keys", "FAIL") == (
        f"{path}: there is no key file, so nothing can be marked",
        "mailtrail key new")


def test_spool(doctor):
    spool = doctor.options["spool_dir"]
    states = [c[0] for c in checks(doctor, "spool")]
    assert "FAIL" not in states and "ok" in states
    with open(os.path.join(spool, "notes.txt"), "w") as f:
        f.write("x")
    assert "files that are none of ours" in only(doctor, "spool", "warn")[0]
    doctor.set(spool_dir="/nowhere")
    assert only(doctor, "spool", "FAIL")[0] == \
        "spool: /nowhere: No such file or directory"


def test_a_spool_where_only_root_may_append(doctor):
    os.chmod(doctor.options["spool_dir"], 0o755)
    said = checks(doctor, "spool")
    assert (os.geteuid() == 0) == any(
        "mode 0755 lets only root append" in c[1] for c in said)


def test_a_spool_without_room(doctor):
    # A file system that never has room, and is always there.
    doctor.set(spool_dir="/proc")
    failing = [c[1] for c in checks(doctor, "spool") if c[0] == "FAIL"]
    assert failing == ["/proc: 0 bytes left",
                       "/proc: mode 0555 lets nobody append"]


def test_policy(doctor, mariadb, migrated):
    path = doctor.options["policy_snapshot"]
    assert checks(doctor, "policy")[0][1].startswith(
        f"{path}: 1 rules and consents, of 20")
    mariadb.query("DELETE FROM policy_rule", database=migrated)
    assert only(doctor, "policy", "FAIL") == (
        "MariaDB has 0 rules and consents, the snapshot 1",
        "mailtrail track build")
    with open(path, "r+b") as f:
        f.truncate(30)
    assert path in only(doctor, "policy", "FAIL")[0]
    os.unlink(path)
    assert only(doctor, "policy", "warn")[0] == \
        f"{path} is not there: nothing is tracked"


# --- servers

def test_redis(doctor, redis, stream):
    found, _ = only(doctor, "redis", "warn")
    assert found.endswith("there is no event stream yet")
    with redis.connect() as c:
        c.xgroup_create(stream, "mailtrail", mkstream=True)
        c.xadd(stream, {"v": "1"})
        assert only(doctor, "redis", "FAIL")[0].startswith(
            "no mailtrail-collector is at work: nobody has ever asked for "
            "events; 1 entries wait in ")
        c.xreadgroup("mailtrail", "one", {stream: ">"}, count=1)
        c.xadd(stream, {"v": "1"})
        assert [s for s, _, _ in checks(doctor, "redis")] == ["ok", "ok"]
        assert ": 2 entries, 1 not yet read by a collector, 1 being stored" \
            in checks(doctor, "redis")[1][1]
        c.xadd(f"{stream}:dead", {"dead_reason": "x"})
        assert only(doctor, "redis", "warn")[0].endswith("1 dead letters")
    doctor.set(redis="unix:/nowhere")
    assert only(doctor, "redis", "FAIL")[0] == \
        "redis unix:/nowhere: No such file or directory"
    doctor.set(redis="nonsense")
    assert "nonsense" in only(doctor, "redis", "FAIL")[0]


def test_a_redis_that_forgets(doctor, own_lab):
    server = Redis(own_lab).start()
    doctor.set(redis=f"unix:{server.socket}")
    with server.connect() as c:
        c.config_set("appendonly", "no")
        c.config_set("maxmemory-policy", "allkeys-lru")
        failing = [c[1] for c in checks(doctor, "redis") if c[0] == "FAIL"]
        assert failing == [
            f"unix:{server.socket} keeps nothing over a restart"]
        c.config_set("maxmemory", "100mb")
        failing = [c[1] for c in checks(doctor, "redis") if c[0] == "FAIL"]
        assert failing[1] == (f"unix:{server.socket} throws keys away when "
                              "memory is short (allkeys-lru)")


def test_redis_with_the_rights_of_our_sample(doctor, own_lab, root):
    acl = (root / "conf/redis/mailtrail.acl").read_text()
    rules = re.search(r"^user mailtrail on (.*)", acl, re.M)[1]
    server = Redis(own_lab, user="mailtrail", password="s3cret",
                   rules=rules.replace("resetpass ", "")).start()
    doctor.set(redis=f"unix:{server.socket}", redis_user="mailtrail",
               redis_password_file=server.password_file,
               redis_stream="mailtrail:events")
    said = checks(doctor, "redis")
    assert [c for c in said if c[0] == "FAIL"] == []
    assert "version" in said[0][1]
    doctor.set(redis_user="nobody")
    assert "WRONGPASS" in only(doctor, "redis", "FAIL")[0]


def test_mariadb_with_the_reading_role(doctor, mariadb, migrated):
    name = f"{migrated}_doctor"
    password = mariadb.account(name, "secret", grants=[
        f"SELECT ON {migrated}.{view}"
        for view in ("v_message", "v_recipient", "v_open")])
    doctor.set(db_user=name, db_password_file=password)
    said = checks(doctor, "mariadb")
    assert [c[0] for c in said] == ["ok", "warn", "warn", "warn"]
    assert said[1][1].startswith("mailtrail track cannot work: ")


def test_mariadb_refusing_or_away(doctor, mariadb):
    doctor.set(db_user="nosuch")
    found, remedy = only(doctor, "mariadb", "FAIL")
    assert "denied" in found and "db_user" in remedy
    doctor.set(db_socket="/nowhere")
    found, remedy = only(doctor, "mariadb", "FAIL")
    assert "/nowhere" in found and "start MariaDB" in remedy
    assert checks(doctor, "schema") == []


def test_a_schema_that_differs(ctl, mariadb, database):
    ctl.set(db_socket=mariadb.socket, db_name=database, db_user="root")
    said = checks(ctl, "mariadb")
    assert [c[0] for c in said] == ["ok", "FAIL", "FAIL", "FAIL", "warn",
                                    "warn", "warn"]
    found, remedy = only(ctl, "schema", "FAIL")
    assert remedy.startswith("mailtrail schema migrate")
    ctl("schema", "migrate")
    assert [c[0] for c in checks(ctl, "schema")] == ["ok"]


def test_clocks(doctor, mariadb, migrated):
    assert {c[:2] for c in checks(doctor, "clock")} == {
        ("ok", "Redis agrees to within 2 s"),
        ("ok", "MariaDB agrees to within 2 s")}
    name = f"{migrated}_clock"
    password = mariadb.account(name, "secret",
                               grants=[f"ALL ON {migrated}.*"])
    doctor.set(db_user=name, db_password_file=password)
    try:
        for shift, state, said in (
                ("- 130", "FAIL", "MariaDB is 2 min behind this host"),
                ("+ 30", "warn", "MariaDB is 29 s ahead of this host")):
            # Root is spared it.
            mariadb.query("SET GLOBAL init_connect = "
                          f"'SET timestamp = UNIX_TIMESTAMP(NOW(6)) {shift}'")
            found = only(doctor, "clock", state)[0]
            assert found in (said, said.replace("29", "30")), found
    finally:
        mariadb.query("SET GLOBAL init_connect = ''")


# --- the pixel

@pytest.mark.parametrize("locations, said", [
    ("location /i/ { return 404; }",
     "status 404 and 153 bytes, which are not our image"),
    ("location /i/ { return 200 'x'; }",
     "status 200 and 1 bytes, which are not our image"),
    ("location /i/ { empty_gif; add_header X-Mailtrail away; }",
     "mailtrail-pixel does not answer; the web server does in its place"),
    ("location /i/ { empty_gif; }",
     "status 200 and 43 bytes, which are not our image"),
    ("location /i/ { try_files /pixel.gif =404; }",
     "the answer is without 'cache-control: no-store'"),
    ("location /i/ { try_files /pixel.gif =404; add_header Set-Cookie a=b; "
     "add_header Cache-Control no-store; }", "the answer sets a cookie"),
])
def test_a_web_server_that_answers_itself(doctor, own_lab, locations, said):
    server = Nginx(own_lab, locations=locations).start()
    with open(os.path.join(server.www, "pixel.gif"), "wb") as f:
        f.write(GIF)
    doctor.set(pixel_url=server.url)
    failing = [c[1] for c in checks(doctor, "pixel") if c[0] == "FAIL"]
    assert any(said in f for f in failing), failing


def test_no_web_server(doctor):
    doctor.set(pixel_url=f"http://127.0.0.1:{free_port()}")
    found, _ = only(doctor, "pixel", "FAIL")
    assert "connect" in found
    doctor.set(pixel_url="")
    assert only(doctor, "pixel", "warn")[0].startswith(
        "the option pixel_url is not set")


def test_it_changes_nothing(doctor):
    watched = [doctor.options[k] for k in ("token_keys", "policy_snapshot")]
    before = [(os.stat(p).st_mtime_ns, stat.S_IMODE(os.stat(p).st_mode))
              for p in watched]
    doctor("doctor", ok=(0, 1))
    assert before == [(os.stat(p).st_mtime_ns,
                       stat.S_IMODE(os.stat(p).st_mode)) for p in watched]
    assert os.listdir(doctor.options["spool_dir"]) == []
