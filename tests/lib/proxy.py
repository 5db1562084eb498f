# SPDX-License-Identifier: BSD-2-Clause
"""Faults on command: a Unix socket in front of another, for Redis, MariaDB or
a milter. It passes bytes on until it is told otherwise:

    refuse()          new connections are closed at once
    cut()             every open connection is closed now
    cut_after(n)      a connection is closed after n bytes of answers more
    stall()           nothing is passed on; connections stay open
    garble()          answers have every byte's bits turned over
    heal()            passes everything on again
"""

import os
import select
import socket
import threading


class Proxy:
    def __init__(self, lab, target, name="proxy"):
        self.target = target
        self.socket = os.path.join(lab.directory, f"{name}.sock")
        self.lock = threading.Lock()
        self.pairs = []
        self.seen = 0  # connections that came
        self.heal()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        os.chmod(self.socket, 0o777)
        self.listener.listen(64)
        self.ended = False
        threading.Thread(target=self._accept, daemon=True).start()
        lab.add(self)

    def heal(self):
        self.mode, self.left = "pass", None

    def refuse(self):
        self.mode = "refuse"
        self.cut()

    def stall(self):
        self.mode = "stall"

    def garble(self):
        self.mode = "garble"

    def cut_after(self, n):
        self.left = n

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            self._close(pair)

    def stop(self):
        self.ended = True
        self.listener.close()
        self.cut()

    @staticmethod
    def _close(pair):
        for s in pair:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _accept(self):
        while not self.ended:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            server = socket.socket(socket.AF_UNIX)
            try:
                if self.mode == "refuse":
                    raise ConnectionRefusedError
                server.connect(self.target)
            except OSError:
                self._close((client, server))
                continue
            pair = (client, server)
            with self.lock:
                self.pairs.append(pair)
            threading.Thread(target=self._pass, args=pair,
                             daemon=True).start()

    def _pass(self, client, server):
        try:
            while True:
                ready, _, _ = select.select([client, server], [], [], 0.05)
                for s in ready if self.mode != "stall" else ():
                    data = s.recv(65536)
                    if not data:
                        return
                    if s is client:
                        server.sendall(data)
                    else:
                        self._answer(client, data)
        except (OSError, ValueError):
            pass  # closed, by one side or by cut()
        finally:
            with self.lock:
                if (client, server) in self.pairs:
                    self.pairs.remove((client, server))
            self._close((client, server))

    def _answer(self, client, data):
        if self.mode == "garble":
            data = bytes(b ^ 0xFF for b in data)
        with self.lock:
            allowed = len(data) if self.left is None else \
                min(self.left, len(data))
            if self.left is not None:
                self.left -= allowed
        client.sendall(data[:allowed])
        if allowed < len(data):
            self.left = None
            raise ConnectionAbortedError
