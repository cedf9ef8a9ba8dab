"""``/api/chat``: a model answers, in one piece and as a stream, with tokens in it."""

from __future__ import annotations

import json
import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import media_type, refuse, whole, within
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import COUNT, TEXT, Promise, keep, record
from ansible_collections.harvis.platform.plugins.module_utils.probe.models import bare, named
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/chat"
EVENT_STREAM = "text/event-stream"
_REPLY = record({"reply": {"type": "string"}, "model": TEXT, "tokens": COUNT})
_FIX = "Look at the Ollama container's log and at `GET /api/models`: is the model loaded?"


def check(visit: Visit) -> str:
    """The same message twice: as JSON and as server-sent events."""
    reply = keep(visit.send("chat", "POST", PATH, _body(visit, stream=False)), Promise(schema=_REPLY), fix=_FIX)
    subject = f"POST {visit.url(PATH)}"
    _spoken(subject, "the JSON answer", reply["reply"], reply["tokens"])
    _by_expected(visit, subject, reply["model"])
    events, done = _streamed(visit)
    _by_expected(visit, subject, done["model"])
    return (
        f"{named(visit, reply['model'])} answered {reply['tokens']} tokens as JSON"
        f" and {done['tokens']} in {events} streamed events"
    )


def _body(visit: Visit, *, stream: bool) -> dict[str, t.Any]:
    body: dict[str, t.Any] = {"message": visit.settings.message, "stream": stream}
    return {**body, "model": visit.settings.model} if visit.settings.model else body


def _spoken(subject: str, what: str, text: str, tokens: int) -> None:
    if tokens < 1 or not text:
        raise refuse("PRB-CONTENT", subject, f"{what} holds {tokens} tokens and {len(text)} characters", fix=_FIX)


def _by_expected(visit: Visit, subject: str, model: str) -> None:
    wanted = visit.settings.model
    if wanted and bare(model) != bare(wanted):
        raise refuse("PRB-CONTENT", subject, f"model {model} answered instead of {wanted}", fix=_FIX)


def _streamed(visit: Visit) -> tuple[int, dict[str, t.Any]]:
    """Token events, then one ``done``; returns the number of events and what ``done`` says."""
    import httpx_sse

    subject, limit = f"POST {visit.url(PATH)} (stream)", visit.settings.limit("chat")
    deadline = time.monotonic() + limit
    texts: list[str] = []
    with visit.client.stream("POST", visit.url(PATH), json=_body(visit, stream=True), limit=limit) as response:
        if response.status_code != 200 or media_type(response.headers) != EVENT_STREAM:
            keep(whole(response, deadline=deadline, limit=limit), Promise(content_type=EVENT_STREAM), fix=_FIX)
        events = httpx_sse.EventSource(response).iter_sse()
        for event in within(events, subject, deadline=deadline, limit=limit, size=lambda e: len(e.data)):
            data = _data(subject, event.data)
            if event.event == "token":
                texts.append(str(data.get("text", "")))
            elif event.event == "error":
                raise refuse("PRB-FAILED", subject, f"{data.get('code')}: {data.get('cause')}", fix=_FIX)
            elif event.event == "done":
                return len(texts), _done(subject, "".join(texts), data)
    raise refuse("PRB-CONTENT", subject, f"the stream ends after {len(texts)} token events without `done`", fix=_FIX)


def _data(subject: str, text: str) -> dict[str, t.Any]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise refuse("PRB-CONTENT", subject, "an event's data is not a JSON object", evidence=text[:160], fix=_FIX)
    return data


def _done(subject: str, text: str, data: dict[str, t.Any]) -> dict[str, t.Any]:
    tokens, model = data.get("tokens"), data.get("model")
    if not isinstance(tokens, int) or not isinstance(model, str):
        raise refuse(
            "PRB-CONTENT", subject, "`done` names no model or no count of tokens", evidence=str(data), fix=_FIX
        )
    _spoken(subject, "the stream", text, tokens)
    return {"tokens": tokens, "model": model}
