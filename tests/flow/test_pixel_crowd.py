# SPDX-License-Identifier: BSD-2-Clause
"""The pixel beside clients of its socket that hold thousands of connections,
are slow, or send as much as the protocol allows."""

import os
import re
import resource
import socket
import struct
import time

import pytest

from tests.lib.nginx import Nginx
from tests.lib.pixel import AGENT, GIF, Pixel, ask, token
from tests.lib.process import wait_for

BEGIN, PARAMS, STDIN, STDOUT, END = 1, 4, 5, 6, 3


@pytest.fixture
def pixel(own_lab, build):
    pixel = Pixel(own_lab, build, rate_limit=0).start()
    yield pixel
    assert pixel.process.stop() == 0
    assert "Sanitizer" not in pixel.process.text()


@pytest.fixture
def nginx(own_lab, pixel):
    return Nginx(own_lab, Nginx.fastcgi(pixel.socket, "/")).start()


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        pytest.skip("not enough open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def files(pixel):
    return len(os.listdir(f"/proc/{pixel.process.pid}/fd"))


def connect(pixel):
    s = socket.socket(socket.AF_UNIX)
    s.connect(pixel.socket)
    return s


def test_ten_thousand_idle_connections_cost_no_open(pixel, nginx, many_files):
    held = [connect(pixel) for _ in range(10000)]
    try:
        for n in range(1, 201):
            begun = time.monotonic()
            assert ask(nginx.port, f"/i/{token()[0]}.gif")[2] == GIF
            assert time.monotonic() - begun < 1
        assert len(pixel.events(200)) == 200
        assert files(pixel) < 1000
        said = [line for line in pixel.process.text().splitlines()
                if line.startswith("<4>")]
        assert said == ["<4>more than 768 connections; closing those that "
                        "wait longest"]
    finally:
        for s in held:
            s.close()
    wait_for(lambda: files(pixel) < 100, 10, "the connections to be closed")
    assert ask(nginx.port, f"/i/{token()[0]}.gif")[2] == GIF
    pixel.events(201)


def record(kind, content=b""):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def stream(kind, content):
    """A stream of the protocol: records, and an empty one at its end."""
    return b"".join(record(kind, content[i:i + 65535])
                    for i in range(0, len(content), 65535)) + record(kind)


def pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack(">I", n | 1 << 31)
    return length(len(name)) + length(len(value)) + name + value


def request(target, body=b"", **more):
    params = {"REQUEST_METHOD": "GET", "REQUEST_URI": target,
              "REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": AGENT, **more}
    return record(BEGIN, struct.pack(">HB5x", 1, 0)) + stream(
        PARAMS, b"".join(pair(k.encode(), v.encode())
                         for k, v in params.items())) + stream(STDIN, body)


def answer(s):
    """What it writes until it closes, without the protocol's heads."""
    data, out = b"", b""
    while chunk := s.recv(65536):
        data += chunk
    while len(data) >= 8:
        kind, n, padding = data[1], *struct.unpack(">HB", data[4:7])
        if kind == STDOUT:
            out += data[8:8 + n]
        data = data[8 + n + padding:]
    return out


def test_a_request_that_comes_byte_by_byte(pixel, nginx):
    text, _ = token()
    with connect(pixel) as slow:
        for byte in request(f"/i/{text}.gif"):
            slow.sendall(bytes([byte]))
            if byte == ord("g"):
                assert ask(nginx.port, f"/i/{token()[0]}.gif")[2] == GIF
        assert answer(slow).endswith(GIF)


def test_slow_web_servers_hold_no_thread(pixel, nginx):
    """Half a request each, from more peers than there are threads; the other
    half when others have long been served."""
    texts = [request(f"/i/{token()[0]}.gif") for _ in range(60)]
    slow = [connect(pixel) for _ in texts]
    for s, text in zip(slow, texts):
        s.sendall(text[:len(text) // 2])
    for _ in range(20):
        begun = time.monotonic()
        assert ask(nginx.port, f"/i/{token()[0]}.gif")[2] == GIF
        assert time.monotonic() - begun < 1
    assert len(pixel.events(20)) == 20
    for s, text in zip(slow, texts):
        s.settimeout(20)
        s.sendall(text[len(text) // 2:])
        assert answer(s).endswith(GIF)
        s.close()
    assert len(pixel.events(80)) == 80


@pytest.mark.parametrize("more", [
    {"HTTP_USER_AGENT": "x" * 65000},
    {"HTTP_USER_AGENT": "x" * 1000000},
    {f"HTTP_X_{i}": "y" * 1000 for i in range(1000)},
    {f"A{i}": "" for i in range(60000)},
    {"QUERY_STRING": "z" * 500000},
])
def test_requests_as_large_as_the_protocol_allows(pixel, more):
    text, number = token()
    with connect(pixel) as s:
        s.settimeout(20)
        s.sendall(request(f"/i/{text}.gif", **more))
        assert answer(s).endswith(GIF)
    found = pixel.events(1)
    assert [e["token"] for e in found] == [number]
    with connect(pixel) as s:
        s.settimeout(20)
        s.sendall(request("/i/" + "A" * 1000000))
        assert answer(s).endswith(GIF)
    with open(f"/proc/{pixel.process.pid}/status", encoding="ascii") as f:
        assert int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) < 64 * 1024
    assert len(pixel.events()) == 1


def test_a_body_that_nobody_wants(pixel):
    text, _ = token()
    with connect(pixel) as s:
        s.settimeout(20)
        s.sendall(request(f"/i/{text}.gif", body=b"b" * 60000))
        assert answer(s).endswith(GIF)
    with connect(pixel) as s:
        s.settimeout(20)
        with pytest.raises(OSError):  # it has answered, and reads no more
            s.sendall(request(f"/i/{text}.gif", body=b"b" * 20000000))
    with connect(pixel) as s:
        s.sendall(request(f"/i/{text}.gif"))
        assert answer(s).endswith(GIF)
