"""Ollama's HTTP API, with its failures told apart: unreachable, not Ollama, model missing, failed, cut off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import httpx

from python_back_end.addresses import shown
from python_back_end.errors import ApiError
from python_back_end.http_transport import make_transport
from python_back_end.ollama_failures import as_api_error

_JSON_TYPES = frozenset({"application/json", "application/x-ndjson"})
_MODELS_AT_ONCE = 4
# A connection that is refused is tried twice more, at once and after half a second: Ollama may be restarting.
_CONNECT_RETRIES = 2
_LONGEST_LINE = 4 * 1024 * 1024
# What a model file calls itself. Ollama 0.17 keeps general.name back; the other two pass.
_WEIGHTS_KEYS = ("general.name", "general.basename", "general.description")


class ChatMessage(TypedDict):
    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True)
class Token:
    text: str


@dataclass(frozen=True)
class Done:
    model: str
    tokens: int


@dataclass(frozen=True)
class PullStep:
    """One word of Ollama on a download; bytes are there while a layer is being fetched."""

    status: str
    completed: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Model:
    """`weights` is what the model file itself says it is."""

    name: str
    size: int
    weights: str | None


@dataclass(frozen=True)
class LoadedModel:
    """`size_vram` is the part of `size` that lies in GPU memory: 0 where all is computed on the CPU."""

    name: str
    size: int
    size_vram: int


class OllamaClient:
    def __init__(self, url: str, *, connect_timeout: float, timeout: float) -> None:
        self._shown = shown(url)
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=connect_timeout),
            transport=make_transport(url, retries=_CONNECT_RETRIES),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def model_names(self, *, timeout: float | None = None) -> list[str]:
        return [entry["name"] for entry in await self._tags(timeout)]

    async def unload(self, model: str, *, timeout: float) -> None:
        """Has Ollama give back the memory of a model; the next chat loads it again."""
        await self._json("POST", "/api/generate", {"model": model, "keep_alive": 0}, model=model, timeout=timeout)

    async def pull(self, model: str) -> AsyncIterator[PullStep]:
        """Steps of a download as Ollama tells them; ends when the model is there, or raises ApiError."""
        body = {"model": model, "stream": True}
        async with aclosing(self._parts("/api/pull", body, model)) as parts:
            async for part in parts:
                status = str(part.get("status", ""))
                yield PullStep(status, _count(part, "completed"), _count(part, "total"))
                if status == "success":
                    return
        raise self._cut_off("before the model was there")

    async def models(self) -> list[Model]:
        limit = asyncio.Semaphore(_MODELS_AT_ONCE)

        async def describe(entry: dict[str, Any]) -> Model:
            async with limit:
                shown_model = await self._json("POST", "/api/show", {"model": entry["name"]}, model=entry["name"])
            about = shown_model.get("model_info") or {}
            return Model(name=entry["name"], size=entry.get("size", 0), weights=_weights(about))

        return list(await asyncio.gather(*(describe(entry) for entry in await self._tags(None))))

    async def loaded(self, *, timeout: float | None = None) -> list[LoadedModel]:
        """The models in memory now; none after a while without a request."""
        models = self._listed(await self._json("GET", "/api/ps", timeout=timeout), "loaded models")
        return [LoadedModel(entry["name"], entry.get("size", 0), entry.get("size_vram", 0)) for entry in models]

    async def chat(
        self, model: str, messages: Sequence[ChatMessage], *, max_tokens: int
    ) -> AsyncIterator[Token | Done]:
        """Tokens as they come, then Done; an answer without any token is an error."""
        body = {"model": model, "messages": list(messages), "stream": True, "options": {"num_predict": max_tokens}}
        said_anything = False
        async with aclosing(self._parts("/api/chat", body, model)) as parts:
            async for part in parts:
                text = self._text(part)
                if text:
                    said_anything = True
                    yield Token(text)
                if part.get("done"):
                    yield self._finished(part, model, said_anything=said_anything)
                    return
        raise self._cut_off("before it was done")

    async def _parts(self, path: str, body: Any, model: str) -> AsyncIterator[dict[str, Any]]:
        """The objects of a stream, one a line. Closed early, it ends the request, and with it Ollama's work."""
        async with self._request("POST", path, body, model=model) as response, aclosing(_lines(response)) as lines:
            async for line in lines:
                if len(line) > _LONGEST_LINE:
                    raise self._not_json("a stream without lines")
                if line.strip():
                    yield self._line(line)

    def _text(self, part: dict[str, Any]) -> str:
        message = part.get("message") or {}
        text = message.get("content") or "" if isinstance(message, dict) else None
        if not isinstance(text, str):
            raise self._not_json("a part of an answer that is none of Ollama's")
        return text

    def _finished(self, part: dict[str, Any], model: str, *, said_anything: bool) -> Done:
        tokens = _count(part, "eval_count") or 0
        if tokens == 0 or not said_anything:
            raise ApiError(502, "no_tokens", f"model {model} ended its answer without saying anything")
        return Done(model=str(part.get("model") or model), tokens=tokens)

    def _line(self, line: bytes) -> dict[str, Any]:
        try:
            part = json.loads(line)
        except ValueError:
            raise self._not_json("a stream with a line that is not JSON") from None
        if not isinstance(part, dict):
            raise self._not_json("a stream with a line that is not an object")
        if "error" in part:
            raise as_api_error(f"Ollama at {self._shown}", str(part["error"]))
        return part

    async def _tags(self, timeout: float | None) -> list[dict[str, Any]]:
        return self._listed(await self._json("GET", "/api/tags", timeout=timeout), "models")

    def _listed(self, answer: dict[str, Any], what: str) -> list[dict[str, Any]]:
        models = answer.get("models")
        if not isinstance(models, list) or not all(isinstance(entry, dict) and "name" in entry for entry in models):
            raise self._not_json(f"JSON without a list of {what}")
        return models

    async def _json(
        self, method: str, path: str, body: Any = None, *, model: str | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        async with self._request(method, path, body, model=model, timeout=timeout) as response:
            await response.aread()
        try:
            answer = response.json()
        except ValueError:
            raise self._not_json("a body that is not JSON") from None
        if not isinstance(answer, dict):
            raise self._not_json("JSON that is not an object")
        return answer

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, body: Any, *, model: str | None, timeout: float | None = None
    ) -> AsyncIterator[httpx.Response]:
        limit = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            async with self._http.stream(method, path, json=body, timeout=limit) as response:
                await self._refuse_failures(response, model)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ApiError(503, "ollama_unreachable", f"nothing answers at {self._shown}: {_said(error)}") from error
        except httpx.TimeoutException as error:
            raise ApiError(504, "ollama_timed_out", f"Ollama at {self._shown} fell silent: {_said(error)}") from error
        except httpx.TransportError as error:
            raise ApiError(502, "ollama_cut_off", f"Ollama at {self._shown} broke off: {_said(error)}") from error

    async def _refuse_failures(self, response: httpx.Response, model: str | None) -> None:
        # A web page with status 200 (a wrong address, a login page of a proxy) must not pass for an answer.
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES:
            raise self._not_json(f"{kind or 'no content type'} with status {response.status_code}")
        if response.status_code < 400:
            return
        await response.aread()
        said = _error_text(response)
        if response.status_code == 404 and model is not None:
            raise ApiError(404, "model_missing", f"Ollama at {self._shown} has no model {model}: {said}")
        raise as_api_error(f"Ollama at {self._shown} answered {response.status_code}", said)

    def _cut_off(self, when: str) -> ApiError:
        return ApiError(502, "ollama_cut_off", f"Ollama at {self._shown} ended the answer {when}")

    def _not_json(self, what: str) -> ApiError:
        cause = f"{self._shown} answered {what} instead of Ollama's JSON: OLLAMA_URL names something else than Ollama"
        return ApiError(502, "ollama_not_json", cause)


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Split at line feeds alone: httpx takes other characters for ends of lines too, and a token may hold those."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > _LONGEST_LINE:
            break
    yield rest


def _count(part: dict[str, Any], key: str) -> int | None:
    number = part.get(key)
    return number if isinstance(number, int) else None


def has_model(names: Sequence[str], wanted: str) -> bool:
    """Ollama lists `name:latest` for a model that is asked for as `name`."""
    return wanted in names or f"{wanted}:latest" in names


def _weights(about: dict[str, Any]) -> str | None:
    return next((str(about[key]) for key in _WEIGHTS_KEYS if about.get(key)), None)


def _error_text(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
