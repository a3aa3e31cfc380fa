"""Headless Chromium for tests, driven through its debugging pipe: pages, scripts in them, input and screenshots."""

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--hide-scrollbars",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


class Page:
    """A tab of the browser.

    Attributes:
        messages: errors and warnings of its console, and requests that failed or left the machine.
    """

    def __init__(self, browser: "Browser", session: str):
        self.browser, self.session, self.messages = browser, session, []
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer of the browser to a command for this tab."""
        return self.browser.call(method, self.session, **params)

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def show(self) -> None:
        """Bring the tab to the front; others are not drawn."""
        self.call("Page.bringToFront")

    def open(self, address: str) -> None:
        """Open an address, and wait until the page has loaded."""
        self.call("Page.navigate", url=address)
        self.browser.wait("Page.loadEventFired")

    def value(self, script: str, *, by_value: bool = True) -> Any:
        """Return the value of an expression in the page, or of the promise that it returns."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=by_value)
        if "exceptionDetails" in done:
            raise AssertionError(json.dumps(done["exceptionDetails"], indent=1)[:2000])
        return done["result"].get("value")

    def run(self, script: str) -> None:
        """Run an expression whose value does not matter, and wait for the promise that it returns, if it does."""
        self.value(script, by_value=False)

    def press(self, key: str, code: str = "", *, shift: bool = False) -> None:
        event = {"key": key, "code": code, "modifiers": 8 * shift}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, **event)

    def point(self, x: float, y: float, *, click: bool = False) -> None:
        """Move the pointer, and click if asked to."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """Return a screenshot as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


class Browser:
    """A running browser; messages are separated by zero bytes."""

    def __init__(self, commands: int, answers: int):
        self.commands, self.answers = os.fdopen(commands, "wb"), answers
        self.last, self.rest, self.events, self.pages = 0, b"", [], {}

    def page(self) -> Page:
        """Return a new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.pages[session] = page = Page(self, session)
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self.last += 1
        message = {"id": self.last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self._next()).get("id") != self.last:
            pass
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait(self, event: str) -> None:
        """Wait for an event that came since the last command."""
        while event not in self.events:
            self._next()
        self.events.clear()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], PATIENCE_S)[0]:
                raise AssertionError("the browser does not answer")
            if not (more := os.read(self.answers, 1 << 20)):
                raise AssertionError("the browser has ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        if "method" in message:
            self.events.append(message["method"])
            self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        """Keep what a clean page does not say."""
        page, params = self.pages.get(message.get("sessionId")), message["params"]
        if page is None:
            return
        if message["method"] == "Runtime.exceptionThrown":
            page.messages.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
        if message["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            page.messages.append(" ".join(str(part.get("value", part.get("description"))) for part in params["args"]))
        if message["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            page.messages.append(params["entry"]["text"])
        if message["method"] == "Network.requestWillBeSent":
            address = params["request"]["url"]
            if not address.startswith(("file:", "data:", "blob:", "http://127.0.0.1", "about:")):
                page.messages.append(f"request to {address}")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Yield a headless browser with its profile in a folder; the test is skipped where none is installed."""
    if not (program := next(filter(None, map(shutil.which, NAMES)), None)):
        pytest.skip(f"no browser to look at the page: none of {', '.join(NAMES)} is installed")
    (their_commands, commands), (answers, their_answers) = os.pipe(), os.pipe()
    # The browser reads commands from descriptor 3 and writes answers to 4.
    shell = f'exec "$@" 3<&{their_commands} 4>&{their_answers}'
    process = subprocess.Popen(
        ["bash", "-c", shell, "bash", program, *FLAGS, f"--user-data-dir={folder / 'profile'}"],
        pass_fds=(their_commands, their_answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(their_commands)
    os.close(their_answers)
    made = Browser(commands, answers)
    try:
        yield made
    finally:
        made.commands.close()
        os.close(answers)
        process.terminate()
        process.wait(timeout=30)
