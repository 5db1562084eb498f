# SPDX-License-Identifier: BSD-2-Clause
"""Chromium as a reader of mail: HTML in, pixels out, and no network.

One browser for a whole run, spoken to over its pipe (DevTools protocol). A
page is the bytes of a message's HTML and their character set, as a reader
hands them over; scripts do not run. Every request of a page ends here: what
`answers` has is answered, all else fails at once and the same way each time.
"""

import base64
import fcntl
import json
import os
import select

from .process import Failed, Process

PROGRAM = "/usr/bin/chromium-headless-shell"
OPTIONS = (
    # Its sandbox is not for root, and the pages come from our own disk.
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--mute-audio", "--no-first-run",
    "--disable-background-networking", "--disable-component-update",
    "--disable-lcd-text", "--font-render-hinting=none",
    "--force-color-profile=srgb", "--force-device-scale-factor=1",
    "--remote-debugging-pipe")
ADDRESS = "http://page.invalid/"
WIDTH = 720


class Chromium:
    """A headless browser with as many pages as are asked for."""

    def __init__(self, lab, name="chromium"):
        self.directory = lab.subdir(name)
        self.name = name
        self.process = None
        self.answers = {}  # URL -> (content type, bytes)
        self.pages = {}    # session -> Page
        self._last, self._buffer = 0, b""
        lab.add(self)

    def start(self):
        """The browser reads commands from its fd 3 and answers on its 4."""
        ends = [*os.pipe(), *os.pipe()]
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in ends]
        for fd in ends:
            os.close(fd)
        its_in, self._out, self._in, its_out = high
        self.process = Process(self.name, [
            "bash", "-c", 'exec "${@:3}" 3<&"$1" 4>&"$2"', "bash",
            str(its_in), str(its_out), PROGRAM, *OPTIONS,
            f"--user-data-dir={self.directory}/profile", "about:blank"],
            self.directory, env={"HOME": self.directory})
        self.process.pass_fds = (its_in, its_out)
        self.process.start()
        os.close(its_in)
        os.close(its_out)
        self.call(None, "Browser.getVersion")
        return self

    def stop(self):
        if self.process is not None:
            self.process.stop()
            os.close(self._in)
            os.close(self._out)
            self.process = None

    def page(self):
        """A new page of its own; see Page."""
        target = self.call(None, "Target.createTarget", url="about:blank")
        session = self.call(None, "Target.attachToTarget", flatten=True,
                            targetId=target["targetId"])["sessionId"]
        self.pages[session] = page = Page(self, session)
        for method, args in (
                ("Page.enable", {}), ("DOM.enable", {}),
                ("Network.enable", {}),
                ("Network.setCacheDisabled", {"cacheDisabled": True}),
                ("Emulation.setScriptExecutionDisabled", {"value": True}),
                ("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})):
            page.call(method, **args)
        return page

    def send(self, session, method, **args):
        self._last += 1
        message = {"id": self._last, "method": method, "params": args}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data):]
        return self._last

    def call(self, session, method, **args):
        """Send a command; events are handled until its result is there."""
        number = self.send(session, method, **args)
        while True:
            message = self._receive()
            if message.get("id") != number:
                self._event(message)
            elif "error" in message:
                raise Failed(f"{method}: {message['error']['message']}")
            else:
                return message["result"]

    def wait(self, condition, what):
        while not condition():
            self._event(self._receive(what))

    def _receive(self, what="an answer"):
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], 30)[0]:
                raise Failed(f"waited 30 s in vain for {what}")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise Failed(f"Chromium ended:\n{self.process.tail()}")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _event(self, message):
        page = self.pages.get(message.get("sessionId"))
        if page is None:
            return
        if message.get("method") == "Page.loadEventFired":
            page.loaded = True
        elif message.get("method") == "Fetch.requestPaused":
            page.answer(message["params"])


class Page:
    """One page, WIDTH wide, and what it asked for beside itself."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.loaded, self.asked, self.content = False, [], None

    def call(self, method, **args):
        return self.browser.call(self.session, method, **args)

    def answer(self, request):
        """Of the page's requests: its own, those in answers, no others."""
        url = request["request"]["url"]
        if url == self.address:
            found = self.content
        else:
            self.asked.append(url)
            found = self.browser.answers.get(url)
        if found is None:
            # Pages that lead elsewhere by themselves stay where they are.
            reason = "Aborted" if request["resourceType"] == "Document" \
                else "AddressUnreachable"
            self.browser.send(self.session, "Fetch.failRequest",
                              requestId=request["requestId"],
                              errorReason=reason)
        else:
            self.browser.send(
                self.session, "Fetch.fulfillRequest", responseCode=200,
                requestId=request["requestId"],
                responseHeaders=[{"name": "Content-Type", "value": found[0]}],
                body=base64.b64encode(found[1]).decode())

    def load(self, html, charset, height=600):
        """Show it, with all its images answered or failed."""
        self.content = ("text/html" + (f"; charset={charset}" if charset
                                       else ""), html)
        self.address = f"{ADDRESS}{self.browser._last}"
        self.loaded, self.asked = False, []
        self.resize(height)
        self.call("Page.navigate", url=self.address)
        self.browser.wait(lambda: self.loaded, "a page to load")

    def resize(self, height):
        self.call("Emulation.setDeviceMetricsOverride", width=WIDTH,
                  height=height, deviceScaleFactor=1, mobile=False)

    def size(self):
        """(width, height) of what it shows, at least the window's."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return size["width"], size["height"]

    def box(self, selector):
        """(x, y, width, height) of the only element selected."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        nodes = self.call("DOM.querySelectorAll", nodeId=root,
                          selector=selector)["nodeIds"]
        if len(nodes) != 1:
            raise Failed(f"{len(nodes)} elements are {selector}")
        model = self.call("DOM.getBoxModel", nodeId=nodes[0])["model"]
        x, y = model["border"][:2]
        return x, y, model["width"], model["height"]

    def pixels(self, top, bottom):
        """These lines of the window as a PNG; equal pixels, equal bytes."""
        if top >= bottom:
            return ""
        return self.call(
            "Page.captureScreenshot", format="png", optimizeForSpeed=True,
            clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top,
                  "scale": 1})["data"]
