# SPDX-License-Identifier: BSD-2-Clause
"""The pixel behind nginx, Apache and lighttpd, each with our sample."""

import base64
import hashlib
import hmac
import http.client
import os
import re
import secrets
import shutil
import time

import pytest

from tests.lib.mailtrail import PROGRAMS
from tests.lib.nginx import Nginx
from tests.lib.process import Process, answers, free_port, wait_for

KEY = secrets.token_bytes(32)


def token(key=KEY, mode=3):
    """A token as lib/token/token.h describes it, key 0."""
    signed = bytes([mode << 4]) + secrets.token_bytes(16)
    mac = hmac.new(key, b"mailtrail token" + signed, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signed + mac[:8]).decode().rstrip("=")


@pytest.fixture
def pixel(build, own_lab):
    """mailtrail-pixel on a socket, with a key and a spool."""
    keys = own_lab.path("token.keys")
    with open(keys, "w", encoding="ascii") as f:
        f.write("0 2026-01-01T00:00:00Z "
                f"{base64.b64encode(KEY).decode()} active\n")
    os.chmod(keys, 0o640)
    spool = own_lab.subdir("spool")
    conf = own_lab.path("pixel.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("host = track.example.org\n"
                f"listen = unix:{own_lab.path('pixel.sock')}\n"
                "listen_mode = 0666\n"
                f"token_keys = {keys}\nspool_dir = {spool}\n"
                f"day_key = {own_lab.path('day.key')}\n")
    process = Process("pixel", [os.path.join(build, PROGRAMS["pixel"]),
                                "-c", conf], own_lab.directory)
    own_lab.add(process)
    process.start_notify()
    process.spool = spool
    return process


def sample(root, lab, server, port):
    """The sample's text, with the lab's paths and port."""
    text = (root / f"conf/{server}/mailtrail.conf").read_text()
    text = text.replace("/run/mailtrail/", f"{lab.directory}/")
    text = text.replace("/run/lighttpd/", f"{lab.directory}/")
    text = text.replace("/usr/share/mailtrail/", f"{root}/")
    text = text.replace("/var/log/nginx/", f"{lab.directory}/")
    text = text.replace("${APACHE_LOG_DIR}", lab.directory)
    return text.replace("listen 80;", f"listen 127.0.0.1:{port};") \
        .replace("<VirtualHost *:80>", f"<VirtualHost *:{port}>")


def start_nginx(root, lab, port):
    path = lab.path("mailtrail.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(sample(root, lab, "nginx", port))
    nginx = Nginx(lab)
    with open(nginx.conf, "r+", encoding="utf-8") as f:
        text = f.read().replace("http {", f"http {{ include {path};", 1)
        f.seek(0)
        f.write(text)
    nginx.start()


def start_apache(root, lab, port):
    if shutil.which("apache2") is None:
        pytest.skip("no apache2")
    conf = lab.path("apache.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(f"ServerRoot {lab.directory}\nServerName localhost\n"
                f"PidFile {lab.directory}/apache.pid\n"
                f"DefaultRuntimeDir {lab.directory}\n"
                f"ErrorLog {lab.directory}/apache-error.log\n"
                f"Listen 127.0.0.1:{port}\nUser nobody\nGroup nogroup\n")
        for name in ("mpm_event", "authz_core", "proxy", "proxy_fcgi",
                     "setenvif", "asis", "alias"):
            f.write(f"LoadModule {name}_module "
                    f"/usr/lib/apache2/modules/mod_{name}.so\n")
        f.write(sample(root, lab, "apache", port))
    lab.add(Process("apache", ["apache2", "-DFOREGROUND", "-f", conf],
                    lab.directory)).start(
        lambda: answers(("127.0.0.1", port)))


def start_lighttpd(root, lab, port):
    if shutil.which("lighttpd") is None:
        pytest.skip("no lighttpd")
    conf = lab.path("lighttpd.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write('server.modules = ( "mod_fastcgi", "mod_proxy", "mod_alias", '
                '"mod_setenv", "mod_accesslog" )\n'
                f'server.document-root = "{lab.directory}"\n'
                f'server.bind = "127.0.0.1"\nserver.port = {port}\n'
                f'accesslog.filename = "{lab.directory}/access.log"\n')
        f.write(sample(root, lab, "lighttpd", port))
    lab.add(Process("lighttpd", ["lighttpd", "-D", "-f", conf],
                    lab.directory)).start(
        lambda: answers(("127.0.0.1", port)))


def ask(port, path, method="GET", headers=None):
    """(status, headers without Date and Server, body)."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        c.request(method, path, headers={
            "Host": "track.example.org", "User-Agent": "Mozilla/5.0 "
            "(X11; Linux x86_64) Thunderbird/115.5.0", **(headers or {})})
        r = c.getresponse()
        kept = sorted((k.lower(), v) for k, v in r.getheaders()
                      if k.lower() not in ("date", "server", "connection",
                                           "keep-alive"))
        return r.status, kept, r.read()
    finally:
        c.close()


def spooled(pixel):
    return sum(os.path.getsize(os.path.join(pixel.spool, f))
               for f in os.listdir(pixel.spool) if f.endswith(".seg"))


def logs(lab):
    """All that any server of the lab wrote."""
    text = ""
    for root, _, files in os.walk(lab.directory):
        for name in files:
            if name.endswith(".log"):
                with open(os.path.join(root, name), encoding="utf-8",
                          errors="replace") as f:
                    text += f.read()
    return text


SERVERS = pytest.mark.parametrize("start", [start_nginx, start_apache,
                                            start_lighttpd])


@SERVERS
def test_every_request_gets_the_same_bytes_and_good_ones_are_recorded(
        root, own_lab, pixel, start):
    port = free_port()
    start(root, own_lab, port)
    good = token()
    before = spooled(pixel)
    want = ask(port, f"/i/{good}.gif")
    assert want[0] == 200 and len(want[2]) == 43
    headers = dict(want[1])
    assert headers["content-type"] == "image/gif"
    assert headers["content-length"] == "43"
    assert headers["cache-control"] == \
        "no-store, no-cache, must-revalidate, max-age=0, private"
    assert not {"etag", "last-modified", "set-cookie",
                "content-encoding"} & set(headers)
    wait_for(lambda: spooled(pixel) > before, 5, "the open in the spool")
    recorded = spooled(pixel)

    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    for path in (f"/i/{flipped}.gif", f"/i/{token(b'x' * 32)}.gif",
                 "/i/", "/i/x", "/i/" + "A" * 2000, f"/i/{good}.gif.gif",
                 "/i/x%20y;z=%22.gif"):
        assert ask(port, path) == want, path
    assert ask(port, f"/i/{flipped}.gif", headers={
        "If-None-Match": "*",
        "If-Modified-Since": "Mon, 28 Sep 1970 06:00:00 GMT"}) == want
    status, headers_only, body = ask(port, f"/i/{flipped}.gif", "HEAD")
    assert (status, headers_only, body) == (200, want[1], b"")
    status, _, _ = ask(port, f"/i/{good}.gif", "DELETE")
    assert status == 405
    # What was not ours left no trace.
    assert spooled(pixel) == recorded
    log = logs(own_lab)
    assert re.search(r" /i/ .*200", log)
    assert good not in log and "127.0.0.1 " not in log


@SERVERS
@pytest.mark.parametrize("fault", ["killed", "stopped"])
def test_readers_get_an_image_without_the_pixel(
        root, own_lab, pixel, start, fault):
    port = free_port()
    start(root, own_lab, port)
    good = token()
    want = ask(port, f"/i/{good}.gif")
    if fault == "stopped":
        pixel.pause()
    else:
        pixel.kill()
    for path in (f"/i/{good}.gif", "/i/x"):
        begun = time.monotonic()
        status, headers, body = ask(port, path)
        assert time.monotonic() - begun < 4
        assert (status, len(body), body[:6]) == (200, 43, b"GIF89a")
        theirs = dict(headers)
        for name, value in want[1]:
            assert theirs[name] == value, name
        assert not {"etag", "last-modified", "set-cookie"} & set(theirs)
        assert theirs["x-mailtrail"] == "away" and \
            "x-mailtrail" not in dict(want[1])
        assert ask(port, path, "HEAD")[::2] == (200, b"")
    told = logs(own_lab).count(good)
    assert told == 0 or (start is start_lighttpd and told == 1)
    if fault == "stopped":
        pixel.resume()
    else:
        pixel.start_notify()
    wait_for(lambda: ask(port, f"/i/{good}.gif") == want, 10,
             "the web server to see that it is back")
    size = spooled(pixel)
    fresh = token()
    ask(port, f"/i/{fresh}.gif")
    wait_for(lambda: spooled(pixel) > size, 5, "the open in the spool")
