# SPDX-License-Identifier: BSD-2-Clause
"""A private nginx that hands /i/ to a FastCGI program on a Unix socket."""

import os

from .mailtrail import ROOT
from .process import Process, answers, free_port, user

CONF = """\
{user}
worker_processes 1;
worker_rlimit_nofile 24000;
pid {directory}/nginx.pid;
error_log stderr warn;
daemon off;
events {{ worker_connections 22000; }}
http {{
  access_log off;
  client_body_temp_path {directory}/tmp;
  proxy_temp_path {directory}/tmp;
  fastcgi_temp_path {directory}/tmp;
  uwsgi_temp_path {directory}/tmp;
  scgi_temp_path {directory}/tmp;
  include /etc/nginx/mime.types;
  {servers}
}}
"""

SERVER = """\
server {{
    listen 127.0.0.1:{port};
    server_name localhost;
    root {directory}/www;
    {locations}
  }}
"""

FASTCGI = """\
location {prefix} {{
      fastcgi_pass unix:{socket};
      include /etc/nginx/fastcgi_params;
    }}
"""


class Nginx:
    """One loopback port; locations as nginx text, see fastcgi().

    pixel: the socket of mailtrail-pixel, served as our sample does instead.
    """

    def __init__(self, lab, locations="", name="nginx", pixel=None):
        run_as = user("www-data", "nobody")
        self.directory = lab.subdir(name)
        self.port = free_port()
        self.www = os.path.join(self.directory, "www")
        for sub in ("tmp", "www"):
            path = os.path.join(self.directory, sub)
            os.makedirs(path, exist_ok=True)
            if run_as is not None:
                os.chown(path, run_as.pw_uid, run_as.pw_gid)
        self.conf = os.path.join(self.directory, "nginx.conf")
        servers = SERVER.format(directory=self.directory, port=self.port,
                                locations=locations)
        if pixel is not None:
            servers = self.sample(pixel)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(CONF.format(
                user=f"user {run_as.pw_name};" if run_as else "",
                directory=self.directory, servers=servers))
        self.process = Process("nginx", [
            "nginx", "-p", self.directory, "-c", self.conf, "-e", "stderr"],
            self.directory)
        lab.add(self)

    def sample(self, pixel):
        """conf/nginx with our paths and port."""
        with open(os.path.join(ROOT, "conf", "nginx", "mailtrail.conf"),
                  encoding="utf-8") as f:
            text = f.read()
        for theirs, ours in (
                ("/run/mailtrail/pixel.sock", pixel),
                ("/var/log/nginx/", f"{self.directory}/"),
                ("listen 80;", f"listen 127.0.0.1:{self.port};")):
            assert theirs in text
            text = text.replace(theirs, ours)
        return text

    @staticmethod
    def fastcgi(socket, prefix="/i/"):
        return FASTCGI.format(prefix=prefix, socket=socket)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process.start(lambda: answers(("127.0.0.1", self.port)))
        return self

    def stop(self):
        return self.process.stop()
