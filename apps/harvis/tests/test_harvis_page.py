"""The web page: how it is served, and what it does in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harvis_browser import Page, browsing, chromium
from harvis_fake_broker import FakeBroker
from harvis_fake_http import FakeHttp
from harvis_fake_ollama import FakeOllama, Pace
from harvis_running_app import Backend, running_backend
from harvis_speech_doubles import engine, load_speaker

STATIC = Path(__file__).resolve().parents[1] / "python_back_end" / "static"
FILES = [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css"), ("/page.svg", "image/svg+xml")]
NO_CUDA = "no CUDA: torch not installed"
needs_chromium = pytest.mark.skipif(chromium() is None, reason="no Chromium: set HARVIS_CHROMIUM")


@pytest.mark.parametrize(("path", "kind"), FILES)
def test_the_page_is_served_with_a_policy_and_a_tag(backend: Backend, path: str, kind: str) -> None:
    answer = backend.http.get(path)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = backend.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", file.read_text())
        assert [address for address in addresses if "www.w3.org/2000/svg" not in address] == [], file.name
        assert not re.search(r"\bon\w+=|innerHTML|\beval\(", file.read_text()), file.name


@pytest.fixture
def talker() -> Iterator[FakeOllama]:
    with FakeOllama.serving(Pace(tokens=4, between=0.01)) as ollama:
        yield ollama


@pytest.fixture
def page(talker: FakeOllama, store: FakeHttp) -> Iterator[tuple[Page, Backend]]:
    broker = FakeBroker()
    broker.work("anchors-write", lambda sent: [("anchors-indexed", {"anchor_id": sent["anchor_id"], "ok": True})])
    broker.work("recall-request", _answers)
    engines = [engine("chatterbox", load_speaker, why_not=lambda: NO_CUDA), engine("piper", load_speaker)]
    program = chromium()
    assert program is not None
    with (
        running_backend(ollama_url=talker.url, qdrant_url=store.url, broker=broker, engines=engines) as backend,
        browsing(program) as browser,
    ):
        browser.go(str(backend.http.base_url))
        browser.until("document.getElementById('status-ready').textContent === 'yes'")
        yield browser, backend
        assert browser.complaints == []


def _answers(sent: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    beat = {"anchor_id": sent["request_id"], "text": "the <b>sea</b>", "perceived_age": "yesterday", "activation": 0.9}
    told = {"request_id": sent["request_id"], "retelling": "Once, the sea.", "provider": "narrator"}
    return [("recall-response", {"request_id": sent["request_id"], "beats": [beat]}), ("retell-response", told)]


@needs_chromium
def test_chat_streams_and_can_be_stopped(page: tuple[Page, Backend], talker: FakeOllama) -> None:
    browser, _ = page
    browser.type("message", "Hello there")
    browser.press("Enter")
    browser.until("document.getElementById('chat-status').textContent.startsWith('4 tokens')")
    assert browser.text("log") == "YouHello thereHarvisword word word word "
    assert browser.run("document.activeElement.id") == "message"
    talker.pace = Pace(tokens=1_000_000, between=0.02)
    browser.type("message", "And now?")
    browser.click("send")
    browser.until("document.getElementById('log').lastChild.textContent.length > 30")
    assert browser.run("document.getElementById('log').ariaBusy") == "true"
    browser.click("stop")
    browser.until("document.getElementById('chat-status').textContent === 'Stopped.'")
    talker.until("hung_up", 1)
    assert browser.run("document.getElementById('send').disabled") is False


@needs_chromium
def test_answers_are_spoken_and_the_status_says_by_whom(page: tuple[Page, Backend], talker: FakeOllama) -> None:
    browser, _ = page
    talker.loaded.append({"name": "llama3:latest", "size": 10, "size_vram": 0})
    browser.until("!document.getElementById('status-speech').textContent.startsWith('looking')")
    assert browser.text("status-speech") == f"piper on the CPU (chatterbox: {NO_CUDA})"
    assert browser.text("status-model") == "llama3 (stand-in that computes nothing)"
    browser.click("aloud")
    browser.type("message", "Hello")
    browser.click("send")
    browser.until("document.getElementById('player').src.startsWith('blob:')")
    browser.until("document.getElementById('player').duration > 0")
    browser.until("document.getElementById('status-device').textContent === 'CPU'")


@needs_chromium
def test_memories_are_written_and_recalled_as_text(page: tuple[Page, Backend]) -> None:
    browser, backend = page
    browser.type("memory", "the sea")
    browser.run("document.getElementById('remember').requestSubmit()")
    browser.until("document.getElementById('memory-status').textContent === 'Remembered.'")
    assert backend.broker.published[0][2]["text"] == "the sea"
    browser.click("retell")
    browser.type("query", "sea")
    browser.run("document.getElementById('recall').requestSubmit()")
    browser.until("document.getElementById('memory-status').textContent === 'One memory.'")
    assert browser.text("beats") == "the <b>sea</b> (yesterday)"
    assert browser.text("retelling") == "Once, the sea."


CONTRAST = """
(() => {
  const light = (channels) => channels.map((c) => c / 255)
    .map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const found = colour(getComputedStyle(e).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.querySelectorAll('h1, h2, dt, dd, label, p, button, input, textarea, b, span, summary')) {
    const [a, b] = [light(colour(getComputedStyle(e).color).slice(0, 3)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) faint.push(`${e.tagName} ${e.id} ${ratio.toFixed(2)}`);
  }
  return faint;
})()
"""
UNLABELLED = "[...document.querySelectorAll('input, textarea')].filter((e) => e.labels.length === 0).map((e) => e.id)"


@needs_chromium
def test_the_page_can_be_used_by_everybody(page: tuple[Page, Backend]) -> None:
    browser, _ = page
    browser.type("message", "Hello")
    browser.press("Enter")
    browser.until("document.getElementById('chat-status').textContent.startsWith('4 tokens')")
    assert browser.run(UNLABELLED) == []
    assert browser.run("document.documentElement.lang") == "en"
    assert browser.run("document.querySelectorAll('h1').length") == 1
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        assert browser.run(CONTRAST) == [], scheme
    browser.run("document.activeElement.blur()")
    reached = []
    for _ in range(12):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.id || document.activeElement.tagName"))
        outline = browser.run("getComputedStyle(document.activeElement).outlineStyle")
        # Behind the last element the focus is on the window for a moment.
        assert outline != "none" or reached[-1] == "BODY", reached[-1]
    assert {"message", "send", "aloud", "memory", "query", "retell"} <= set(reached)


@needs_chromium
def test_what_is_wrong_is_said_on_the_page(store: FakeHttp) -> None:
    """With the errors of the network that a browser notes by itself."""
    program = chromium()
    assert program is not None
    with (
        FakeHttp.serving() as ollama,
        running_backend(ollama_url=ollama.url, qdrant_url=store.url, broker=FakeBroker(), engines=[]) as backend,
        browsing(program) as browser,
    ):
        ollama.answer("GET", "/api/tags", {"models": []})
        browser.go(str(backend.http.base_url))
        browser.until("document.getElementById('status-ready').textContent.includes('Ollama has no model llama3')")
        assert browser.text("status-model") == "llama3 is not there"
        assert browser.text("status-speech") == "none (turned off)"
        browser.type("message", "Hello")
        browser.click("send")
        browser.until("document.getElementById('chat-status').textContent.includes('has no model llama3')")
        assert browser.run("document.getElementById('chat-status').className") == "bad"
