# SPDX-License-Identifier: BSD-2-Clause
"""The pixel behind real web servers: one answer to everybody, one event for
each token of ours, nothing kept that was not asked for, and a prompt end."""

import concurrent.futures
import glob
import os
import re
import secrets
import signal
import shutil
import socket
import subprocess
import threading
import time

import pytest

from tests.lib.checked import assert_cost
from tests.lib.nginx import Nginx
from tests.lib.pixel import (AGENT, ANONYMOUS, GIF, HEADERS, IDENTIFIED,
                             PSEUDONYMOUS, Pixel, ask, events, flipped,
                             token)
from tests.lib.process import (Process, answers, free_port, run, user,
                               wait_for)


@pytest.fixture(name="served")
def _served(own_lab, build):
    """(pixel, nginx): the second hands everything below / to the first."""
    made = []

    def make(locations=None, **options):
        pixel = Pixel(own_lab, build, **options).start()
        if locations is None:
            locations = Nginx.fastcgi(pixel.socket, "/")
        elif callable(locations):
            locations = locations(pixel)
        made.append(pixel)
        return pixel, Nginx(own_lab, locations).start()
    yield make
    for pixel in made:
        pixel.process.stop()
        assert "Sanitizer" not in pixel.process.text()


def test_everybody_gets_the_same_answer(served):
    pixel, nginx = served()
    ours, ident = token()
    requests = [
        dict(target=f"/i/{ours}.gif"),
        dict(target=f"/i/{ours}"),
        dict(target=f"/i/{ours}.gif?utm_source=x"),
        dict(target=f"/i/{ours}.gif", version="1.0"),
        dict(target=f"/i/{ours}.gif", headers=[
            'If-None-Match: "x"',
            "If-Modified-Since: Fri, 20 Nov 2026 16:41:37 GMT"]),
        dict(target=f"/i/{ours}.gif", headers=[
            "If-Match: \"x\"",
            "If-Unmodified-Since: Fri, 20 Nov 1970 16:41:37 GMT"]),
        dict(target=f"/i/{ours}.gif", headers=["Range: bytes=0-4"]),
        dict(target=f"/i/{ours}.gif", headers=["Accept-Encoding: gzip"]),
        dict(target=f"/i/{flipped(ours)}.gif"),
        dict(target="/i/" + "A" * 34 + ".gif"),
        dict(target="/i/"), dict(target="/"), dict(target="/favicon.ico"),
        dict(target="/i/" + "%41" * 500),
        dict(target="/i/../etc/passwd"),
        dict(target="/i/x.gif?" + "q" * 2000),
    ]
    for request in requests:
        status, headers, body = ask(nginx.port, **request)
        assert (status, headers, body) == ("200 OK", HEADERS, GIF), request
    for target in (f"/i/{ours}.gif", "/i/nothing", "/"):
        assert ask(nginx.port, target, "HEAD") == ("200 OK", HEADERS, b"")
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, headers, body = ask(
                nginx.port, target, method,
                headers=["Content-Length: 3"], body=b"a=b")
            assert status == "405 Method Not Allowed"
            assert headers == {"allow": "GET, HEAD", "content-length": "0"}
            assert body == b""
    # Eight requests and a HEAD were for our token; nothing else is known.
    found = pixel.events(9)
    assert [e["token"] for e in found] == [ident] * 9
    assert len({e["twin"] for e in found}) == 9


def test_junk_writes_nothing(served):
    pixel, nginx = served()
    ask(nginx.port, f"/i/{token()[0]}.gif")
    pixel.events(1)
    sizes = {p: os.path.getsize(p) for p in glob.glob(pixel.spool + "/*")}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for answer in pool.map(
                lambda _: ask(nginx.port,
                              "/i/" + secrets.token_urlsafe(25) + ".gif"),
                range(1000)):
            assert answer == ("200 OK", HEADERS, GIF)
    assert {p: os.path.getsize(p)
            for p in glob.glob(pixel.spool + "/*")} == sizes


def test_events_hold_the_verdict_and_nothing_else(served):
    params = """location / {{
      fastcgi_pass unix:{0};
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param REMOTE_ADDR $http_x_test_client;
    }}"""
    pixel, nginx = served(lambda p: params.format(p.socket),
                          refusal="anonymous")
    cases = [
        (IDENTIFIED, "192.0.2.77", [f"User-Agent: {AGENT}"],
         dict(country="AT", asn="64500", agent="thunderbird",
              reasons="ua_mail", certainty="probable",
              **{"class": "human_likely"}), True),
        (PSEUDONYMOUS, "2001:db8:1::5", ["User-Agent: Mozilla/5.0"],
         dict(country="IS", asn="64501", agent="apple_privacy",
              reasons="ua_exact_mpp", certainty="probable",
              **{"class": "prefetch"}), True),
        (ANONYMOUS, "192.0.2.77", [f"User-Agent: {AGENT}"],
         dict(country="AT", asn="64500"), False),
        (IDENTIFIED, "192.0.2.77", [f"User-Agent: {AGENT}", "Sec-GPC: 1"],
         dict(reasons="ua_mail gpc"), False),
        (IDENTIFIED, "40.92.1.1", [f"User-Agent: {AGENT}"],
         dict(reasons="net_eop ua_mail", certainty="certain",
              **{"class": "scanner"}), True),
        (IDENTIFIED, "garbage", [f"User-Agent: {AGENT}"],
         dict(reasons="ua_mail"), False),
    ]
    for mode, client, headers, want, fingerprint in cases:
        text, ident = token(mode)
        ask(nginx.port, f"/i/{text}.gif",
            headers=[f"X-Test-Client: {client}", *headers])
        event = wait_for(lambda ident=ident: [
            e for e in events(pixel.spool) if e["token"] == ident], 5)[0]
        assert want.items() <= event.items()
        assert ("fingerprint" in event) == fingerprint
        assert event["host"] == "pixel.example" and event["rules"] == "1"
        assert text not in str(event)
    kept = b""
    for root, _, files in os.walk(pixel.directory):
        for name in files:
            if name not in ("pixel.conf", "keys", "socket"):
                with open(os.path.join(root, name), "rb") as f:
                    kept += f.read()
    for _, client, _, _, _ in cases:
        assert client.encode() not in kept
    for trace in (b"Thunderbird/115", b"Mozilla", b"X11"):
        assert trace not in kept
    assert os.stat(pixel.path("day.key")).st_mode & 0o777 == 0o600


def test_only_trusted_proxies_name_the_client(served):
    pixel, nginx = served(trusted_proxies="203.0.113.0/24")
    text, _ = token()
    ask(nginx.port, f"/i/{text}.gif",
        headers=["X-Forwarded-For: 192.0.2.1"])
    assert "country" not in pixel.events(1)[0]
    pixel.write_conf(trusted_proxies="127.0.0.1 203.0.113.0/24")
    pixel.process.signal(signal.SIGUSR1)
    forwarded = "X-Forwarded-For: 198.51.100.1, 192.0.2.1, 203.0.113.9"

    def country():
        ask(nginx.port, f"/i/{text}.gif", headers=[forwarded])
        return pixel.events()[-1].get("country")

    assert wait_for(country, 10, "the new options to be in use") == "AT"


def test_a_network_over_its_budget_is_answered_but_not_recorded(served):
    pixel, nginx = served(rate_limit=20)
    text, _ = token()
    for _ in range(50):
        assert ask(nginx.port, f"/i/{text}.gif") == ("200 OK", HEADERS, GIF)
    pixel.process.stop()
    assert 20 <= len(pixel.events()) <= 21
    assert "requests=50 recorded=2" in pixel.process.text()


def test_who_refuses_is_not_recorded(served):
    pixel, nginx = served()
    text, ident = token()
    for header in ("Sec-GPC: 1", "DNT: 1", "DNT: 0"):
        assert ask(nginx.port, f"/i/{text}.gif", headers=[header])[2] == GIF
    pixel.process.stop()
    assert [e["token"] for e in pixel.events()] == [ident]


@pytest.mark.parametrize("what", ["missing", "open", "damaged"])
def test_without_keys_the_image_is_served(served, what):
    pixel, nginx = served()
    text, _ = token()
    ask(nginx.port, f"/i/{text}.gif")
    pixel.events(1)
    pixel.process.stop()
    if what == "missing":
        os.unlink(pixel.keys)
    elif what == "open":
        os.chmod(pixel.keys, 0o644)
    else:
        pixel.write_keys("3 2026\n")
    tested = run([pixel.program, "-t", "-c", pixel.conf], ok=(78,))
    assert pixel.keys in tested.stderr
    pixel.start()
    assert ask(nginx.port, f"/i/{text}.gif") == ("200 OK", HEADERS, GIF)
    assert "recording nothing" in pixel.process.text()
    # The keys come: within five seconds, without being told.
    pixel.write_keys()
    wait_for(lambda: "read the token keys" in pixel.process.text(), 8)
    ask(nginx.port, f"/i/{text}.gif")
    pixel.events(2)
    tested = run([pixel.program, "-t", "-c", pixel.conf])
    assert tested.stdout == "mailtrail-pixel: configuration is good\n"


def test_a_spool_that_cannot_be_written_costs_opens_only(served):
    pixel, nginx = served(spool_dir="/dev/null/spool")
    text, _ = token()
    assert ask(nginx.port, f"/i/{text}.gif") == ("200 OK", HEADERS, GIF)
    assert "losing opens" in pixel.process.text()
    pixel.process.stop()
    assert "failed=1" in pixel.process.text()
    run([pixel.program, "-t", "-c", pixel.conf], ok=(78,))


def keepalive(pixel):
    return ("location / { fastcgi_pass pixel; fastcgi_keep_conn on; include "
            "/etc/nginx/fastcgi_params; } } upstream pixel { server "
            f"unix:{pixel.socket}; keepalive 64; }} server {{ listen "
            f"127.0.0.1:{free_port()};")


def test_idle_connections_hold_no_thread(served):
    pixel, nginx = served(keepalive, threads=2)
    idle = []
    try:
        for i in range(40):  # silent, or silent within a request
            s = socket.socket(socket.AF_UNIX)
            s.connect(pixel.socket)
            if i == 0:
                s.sendall(b"\x01\x01\x00\x01\x00\x08")
            idle.append(s)
        text, _ = token()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            start = time.monotonic()
            for answer in pool.map(
                    lambda _: ask(nginx.port, f"/i/{text}.gif"), range(400)):
                assert answer == ("200 OK", HEADERS, GIF)
            assert time.monotonic() - start < 4
        start = time.monotonic()
        assert pixel.process.stop(5) == 0
        assert time.monotonic() - start < 1
    finally:
        for s in idle:
            s.close()
    assert len(pixel.events()) == 400


@pytest.mark.parametrize("locations", [None, keepalive])
def test_the_end_is_prompt_under_load(served, locations):
    pixel, nginx = served(locations, rate_limit=0)
    text, _ = token()
    stop, good = threading.Event(), [0] * 8

    def load(i):
        while not stop.is_set():
            try:
                good[i] += ask(nginx.port, f"/i/{text}.gif")[2] == GIF
            except OSError:
                pass

    threads = [threading.Thread(target=load, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    try:
        time.sleep(1)
        start = time.monotonic()
        assert pixel.process.stop(5) == 0
        took = time.monotonic() - start
        assert not os.path.exists(pixel.socket)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert_cost(took, 1)
    # What was answered was recorded.
    assert sum(good) > 100
    assert len(pixel.events()) >= sum(good)
    pixel.start()
    assert ask(nginx.port, f"/i/{text}.gif")[2] == GIF


def test_memory_stays_small_under_load(served):
    pixel, nginx = served(keepalive)

    def resident():
        with open(f"/proc/{pixel.process.pid}/status",
                  encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    assert_cost(resident(), 10 * 1024)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: ask(
            nginx.port, f"/i/{token()[0]}.gif",
            headers=[f"User-Agent: {'x' * 7000}"]), range(3000)))
    assert_cost(resident(), 16 * 1024)
    assert len(pixel.events(3000)) == 3000


def spawn(lab, pixel, listener, arguments, name):
    """The pixel with a listening socket as descriptor 0."""
    with open(lab.path(f"{name}.log"), "wb") as log:
        return subprocess.Popen(
            [pixel.program, *arguments], stdin=listener.fileno(),
            stdout=log, stderr=log, cwd=pixel.directory)


def test_a_handed_socket_survives_restarts_and_bad_options(own_lab, build):
    pixel = Pixel(own_lab, build)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(pixel.path("handed"))
    os.chmod(pixel.path("handed"), 0o666)
    listener.listen(64)
    nginx = Nginx(own_lab,
                  Nginx.fastcgi(pixel.path("handed"), "/")).start()
    text, _ = token()
    for name, arguments in (("good", ["-c", pixel.conf]),
                            ("bad", ["-c", pixel.conf, "-o", "threads=no"]),
                            ("again", ["-c", pixel.conf])):
        process = spawn(own_lab, pixel, listener, arguments, name)
        try:
            for _ in range(5):
                assert ask(nginx.port, f"/i/{text}.gif") == (
                    "200 OK", HEADERS, GIF)
        finally:
            start = time.monotonic()
            process.terminate()
            assert process.wait(5) == 0
            assert time.monotonic() - start < 1
    assert len(pixel.events(10)) == 10
    with open(own_lab.path("bad.log"), encoding="utf-8") as log:
        assert "threads: not a number; going on without options" \
            in log.read()
    # Without a socket there is nothing to answer on.
    run([pixel.program, "-c", pixel.conf, "-o", "threads=no"], ok=(78,))


def test_the_socket_of_a_living_program_is_left_alone(own_lab, build):
    pixel = Pixel(own_lab, build).start()
    second = run([pixel.program, "-c", pixel.conf], ok=(78,))
    assert "another program listens there" in second.stderr
    assert answers(pixel.socket)
    pixel.process.kill()
    assert os.path.exists(pixel.socket)
    pixel.start()  # in the place of the dead


APACHE = """
ServerRoot {d}
PidFile {d}/apache.pid
ErrorLog {d}/apache.error
Listen 127.0.0.1:{port}
ServerName localhost
{user}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule {cgi}_module /usr/lib/apache2/modules/mod_{cgi}.so
{more}
ScriptAlias /i/ {program}/
SetEnv MAILTRAIL_PIXEL_CONF {conf}
SetEnv ap_trust_cgilike_cl 1
MaxRanges none
<Directory {programs}>
  Require all granted
  Options +ExecCGI
</Directory>
"""

LIGHTTPD = """
server.document-root = "{d}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{d}/lighttpd.error"
server.range-requests = "disable"
server.modules = ("mod_alias", "mod_cgi", "mod_setenv")
{user}
alias.url = ("/i/" => "{program}/")
cgi.assign = ("mailtrail-pixel" => "")
setenv.set-environment = ("MAILTRAIL_PIXEL_CONF" => "{conf}")
"""


def web_server(lab, pixel, kind, port):
    """A private server that runs the pixel as plain CGI."""
    run_as = user("www-data", "nobody")
    directory = lab.subdir(kind, owner=run_as)
    # A copy, since the server's user may not reach the build directory.
    program = shutil.copy(pixel.program, directory)
    values = dict(d=directory, port=port, program=program,
                  programs=directory, conf=pixel.conf)
    if kind == "lighttpd":
        text = LIGHTTPD.format(
            user=f'server.username = "{run_as.pw_name}"' if run_as else "",
            **values)
        argv = ["lighttpd", "-D", "-f", os.path.join(directory, "conf")]
    else:
        text = APACHE.format(
            cgi=kind.split("-")[1],
            more=f"ScriptSock {directory}/cgisock"
            if kind.endswith("cgid") else "",
            user=f"User {run_as.pw_name}" if run_as else "", **values)
        argv = ["apache2", "-DFOREGROUND", "-f",
                os.path.join(directory, "conf")]
    with open(os.path.join(directory, "conf"), "w", encoding="utf-8") as f:
        f.write(text)
    return lab.add(Process(kind, argv, directory)).start(
        lambda: answers(("127.0.0.1", port)))


@pytest.mark.parametrize("kind", ["apache-cgi", "apache-cgid", "lighttpd"])
def test_plain_cgi(own_lab, build, kind):
    pixel = Pixel(own_lab, build)
    run_as = user("www-data", "nobody")
    if run_as is not None:
        os.chown(pixel.keys, run_as.pw_uid, run_as.pw_gid)
    port = free_port()
    server = web_server(own_lab, pixel, kind, port)
    text, ident = token(IDENTIFIED)
    wanted = dict(HEADERS)
    asked = [dict(target=f"/i/{text}.gif"),
             # words of the query become arguments: they must not count
             dict(target=f"/i/{text}.gif?-V"),
             dict(target=f"/i/{text}.gif", headers=[
                 'If-None-Match: *', "Range: bytes=0-1",
                 "If-Modified-Since: Fri, 20 Nov 2026 16:41:37 GMT"]),
             dict(target="/i/" + "A" * 34), dict(target="/i/")]
    for request in asked:
        status, headers, body = ask(port, **request)
        headers.pop("accept-ranges", None)
        assert (status, headers, body) == ("200 OK", wanted, GIF), request
    status, headers, body = ask(port, f"/i/{text}.gif", "HEAD")
    assert (status, body) == ("200 OK", b"")
    for _ in range(20):  # the body may come after the answer
        status, headers, _ = ask(port, f"/i/{text}.gif", "POST",
                                 headers=["Content-Length: 3"], body=b"a=b")
        assert status == "405 Method Not Allowed"
        assert headers["allow"] == "GET, HEAD"
    found = pixel.events(4)
    assert [e["token"] for e in found] == [ident] * 4
    assert sorted(e["reasons"] for e in found)[0].startswith("head")
    # Processes of one microsecond would else make one event of two.
    assert len({e["twin"] for e in found}) == 4
    # Options that cannot be read cost the open, not the image.
    pixel.write_conf(threads="many")
    assert ask(port, f"/i/{text}.gif")[2] == GIF
    assert len(pixel.events()) == 4
    server.stop()
