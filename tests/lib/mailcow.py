# SPDX-License-Identifier: BSD-2-Clause
"""mailcow's API, as far as it gives logs, and followers that ask it."""

import json
import os
import re

from .nginx import Nginx
from .tailing import Tail

KEY = "1A2B3C-4D5E6F-7A8B9C"
PAGES = """
location /api/v1/get/logs/ {
  default_type application/json;
  access_log %s/access.log;
  if ($http_x_api_key != "%s") {
    return 401 '{"type":"error","msg":"authentication failed"}';
  }
}
"""


class Mailcow:
    """nginx that serves pages of logs as mailcow's API does."""

    def __init__(self, lab):
        self.nginx = Nginx(lab, PAGES % (lab.directory, KEY))
        self.logs = os.path.join(self.nginx.www, "api/v1/get/logs")
        self.access = os.path.join(lab.directory, "access.log")
        self.key_file = lab.path("key")
        self.set_key(KEY)
        self.nginx.start()

    def set_key(self, key):
        with open(self.key_file, "w", encoding="ascii") as f:
            f.write(key + "\n")
        os.chmod(self.key_file, 0o600)

    def page(self, log, name, rows):
        """rows as PHP prints them, or a file's bytes."""
        if not isinstance(rows, bytes):
            rows = json.dumps(rows, indent=4).replace("/", "\\/").encode()
        os.makedirs(os.path.join(self.logs, log), exist_ok=True)
        path = os.path.join(self.logs, log, name)
        with open(path + ".new", "wb") as f:
            f.write(rows)
        os.rename(path + ".new", path)

    def requests(self):
        """(path, status) of each."""
        if not os.path.exists(self.access):
            return []
        with open(self.access, encoding="ascii") as f:
            return re.findall(r'"GET (\S+) \S+" (\d+)', f.read())


def api_tail(lab, build, mailcow, log="postfix", **options):
    return Tail(lab, build, f"mailcow:{log}", mailcow_url=mailcow.nginx.url,
                mailcow_key_file=mailcow.key_file, mailcow_poll_s=1,
                **options)
