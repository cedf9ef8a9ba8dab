"""A headless Chromium, asked over its DevTools protocol. HARVIS_CHROMIUM names one that is not in the path."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import websocket

_NAMES = ("chromium", "chromium-browser", "chromium-headless-shell", "google-chrome")
_SECONDS = 60.0
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--no-first-run",
    "--disable-background-networking",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def chromium() -> str | None:
    named = os.environ.get("HARVIS_CHROMIUM")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


class BrowserError(Exception):
    """The page threw an error, or the browser refused."""


class Page:
    """`complaints` are errors of scripts, of the console, of loading and of the content policy."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=_SECONDS, suppress_origin=True)
        self._ids = itertools.count(1)
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"].get("exception", told)))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")

    def go(self, url: str) -> None:
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, code: str) -> Any:
        """What an expression gives; promises are waited for."""
        result = self.ask("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            raise BrowserError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def until(self, claim: str) -> None:
        ends = time.monotonic() + _SECONDS
        while not self.run(claim):
            if time.monotonic() > ends:
                raise BrowserError(f"never came true: {claim}; {self.complaints}")
            time.sleep(0.05)

    def text(self, element: str) -> str:
        return str(self.run(f"document.getElementById('{element}').textContent"))

    def type(self, element: str, text: str) -> None:
        self.run(f"document.getElementById('{element}').focus()")
        self.ask("Input.insertText", text=text)

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "Enter": 13}
        more = {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **more)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, element: str) -> None:
        self.run(f"document.getElementById('{element}').click()")

    def scheme(self, name: str) -> None:
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, width: int, height: int) -> bytes:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        return b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        self._socket.close()


@contextmanager
def browsing(program: str) -> Iterator[Page]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            page = Page(_address_of_a_page(_listens_at(process)))
            yield page
            page.close()
        finally:
            process.kill()
            process.wait()


def _listens_at(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "DevTools listening on " in line:
            # Read on, or it stops when the pipe is full.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return line.rpartition(" ")[2].strip()
    raise BrowserError(f"Chromium ended with {process.wait()}")


def _address_of_a_page(browser: str) -> str:
    import httpx

    host = browser.removeprefix("ws://").partition("/")[0]
    ends = time.monotonic() + _SECONDS
    while time.monotonic() < ends:
        pages = httpx.get(f"http://{host}/json/list", timeout=_SECONDS, trust_env=False).json()
        for page in pages:
            if page["type"] == "page":
                return str(page["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise BrowserError("Chromium opened no page")
