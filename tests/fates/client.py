# SPDX-License-Identifier: BSD-2-Clause
"""Clients that hand over the messages of a plan, and write down what they
were told: one side's truth."""

import dataclasses
import queue
import re
import socket
import threading
import time

QUEUED = re.compile(r"queued as (\w+)")
PER_CONNECTION = 20
# How long a client waits for an answer, and how often it tries to be greeted.
PATIENCE, TRIES = 60.0, 10


@dataclasses.dataclass
class Told:
    """What the server said of one message; "" where it was not asked."""
    greeting: str = ""
    helo: str = ""
    mail: str = ""
    rcpt: dict = dataclasses.field(default_factory=dict)  # address -> reply
    data: str = ""
    end: str = ""
    left: bool = False    # the client went away
    local: bool = False   # by sendmail(1), which took it
    begun: float = 0.0    # time.time()
    ended: float = 0.0

    @property
    def queue_id(self):
        found = QUEUED.search(self.end)
        return found[1] if found else None

    def refusal(self, address):
        """The reply that refused this recipient, None if none did."""
        for reply in (self.greeting, self.helo, self.mail,
                      self.rcpt.get(address, ""), self.data, self.end):
            if reply[:1] in ("4", "5"):
                return reply
        return None


class Connection:
    """An SMTP client of few words."""

    def __init__(self, port, helo):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")
        self.used = 0
        self.greeting = self.reply()
        self.helo = self.ask(f"EHLO {helo}")

    def close(self, politely=True):
        try:
            if politely:
                self.ask("QUIT")
        except OSError:
            pass
        self.file.close()
        self.socket.close()

    def reply(self):
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self.file.readline().decode("utf-8", "replace")
            if not line:
                raise ConnectionError("the server closed the connection")
            lines.append(line.rstrip("\r\n"))
        return " ".join([lines[0][:3]] + [line[4:] for line in lines])

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def hand_over(self, m, told):
        """False when the connection is of no more use."""
        told.greeting, told.helo = self.greeting, self.helo
        if self.greeting[:1] != "2" or self.helo[:1] != "2":
            return False
        told.mail = self.ask(f"MAIL FROM:<{m.sender}>{m.mail_options}")
        if told.mail[:1] != "2":
            return self._over()
        for r in m.rcpts:
            told.rcpt[r.address] = self.ask(
                f"RCPT TO:<{r.address}>{m.rcpt_options}")
        if m.leave == "rcpt":
            told.left = True
            return False
        if all(reply[:1] != "2" for reply in told.rcpt.values()):
            return self._over()
        told.data = self.ask("DATA")
        if told.data[:1] != "3":
            return self._over()
        text = m.data().replace(b"\r\n.", b"\r\n..")
        if m.leave == "data":
            self.socket.sendall(text[:len(text) // 2])
            told.left = True
            return False
        self.socket.settimeout(10 * PATIENCE)
        self.socket.sendall(text + b"\r\n.\r\n")
        told.end = self.reply()
        # Postfix forgets a transaction that it refused at the end only so.
        return told.end[:1] == "2" or self._over()

    def _over(self):
        self.ask("RSET")
        return True


class Clients:
    """Send all messages, from several connections at once."""

    def __init__(self, host, connections=10):
        self.host = host
        self.told = {}    # n -> Told
        self.broken = []  # errors of our own
        self.ungreeted = 0  # connections that were given up before any mail
        self.connections = connections

    def send(self, messages, rate=None):
        """Return when each has been handed over or refused."""
        todo, begun = queue.SimpleQueue(), time.monotonic()
        for i, m in enumerate(messages):
            todo.put((begun + i / rate if rate else begun, m))
        threads = [threading.Thread(target=self._work, args=(todo,),
                                    daemon=True)
                   for _ in range(self.connections)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if self.broken:
            raise self.broken[0]

    def _work(self, todo):
        open_ones = {}  # (port, helo) -> Connection
        try:
            while True:
                due, m = todo.get_nowait()
                time.sleep(max(0.0, due - time.monotonic()))
                self._one(m, open_ones)
        except queue.Empty:
            pass
        except Exception as error:
            self.broken.append(error)
        finally:
            for c in open_ones.values():
                c.close()

    def _one(self, m, open_ones):
        told = Told(begun=time.time())
        if m.port == "sendmail":
            self.host.postfix.sendmail(
                m.data().replace(b"\r\n", b"\n"), m.sender,
                [r.address for r in m.rcpts])
            told.local = True
        else:
            self._by_smtp(m, told, open_ones)
        told.ended = time.time()
        self.told[m.n] = told

    def _connect(self, m):
        for _ in range(TRIES):
            try:
                return Connection(self.host.postfix.ports[m.port], m.helo)
            except OSError as error:
                last = error
                self.ungreeted += 1
        raise last

    def _by_smtp(self, m, told, open_ones):
        key = m.port, m.helo
        c = open_ones.pop(key, None)
        if c is not None and c.used >= PER_CONNECTION:
            c.close()
            c = None
        if c is None:
            c = self._connect(m)
        c.used += 1
        if c.hand_over(m, told):
            open_ones[key] = c
        else:
            c.close(politely=not told.left)
