"""Talking HTTP within a time limit, with every way of not answering said as a finding."""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail

if t.TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
MAX_BODY = 64 * 1024 * 1024

Part = t.TypeVar("Part")


class ProbeError(HarvisError):
    """An endpoint that does not answer, or answers something else than it promises."""


def refuse(code: str, subject: str, cause: str, *, evidence: str = "", fix: str = "") -> ProbeError:
    """A ``ProbeError`` with one finding, ready to be raised."""
    return ProbeError(*fail(code, subject, cause, evidence=evidence, fix=fix).findings)


@dataclass(frozen=True)
class Answer:
    """What came back: ``content_type`` is the bare media type, lower case, without parameters."""

    method: str
    url: str
    status: int
    content_type: str
    body: bytes
    headers: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"{self.method} {self.url}"

    @property
    def excerpt(self) -> str:
        """The start of the body in one line, for a person."""
        return " ".join(self.body[:400].decode(errors="replace").split())[:160]


class Client:
    """HTTP for the probes. The environment's proxies are for the world outside and are left aside unless asked for.

    ``keys`` are what to show (``Authorization: Bearer``) below an address, and nowhere else.
    """

    def __init__(
        self, *, validate_certs: bool = True, use_proxy: bool = False, keys: t.Mapping[str, str] | None = None
    ) -> None:
        import httpx

        self._keys = {f"{address.rstrip('/')}/": key for address, key in (keys or {}).items() if key}
        self._http = httpx.Client(verify=validate_certs, trust_env=use_proxy, follow_redirects=False)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        limit: float,
        json: t.Any = None,
        headers: t.Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; the whole answer must be there within ``limit`` seconds."""
        deadline = time.monotonic() + limit
        with self.stream(method, url, limit=limit, json=json, headers=headers) as response:
            return whole(response, deadline=deadline, limit=limit)

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        limit: float,
        json: t.Any = None,
        headers: t.Mapping[str, str] | None = None,
    ) -> t.Iterator[httpx.Response]:
        """A response whose body is still to come; network errors inside the block are findings as well."""
        import httpx

        subject = f"{method} {url}"
        timeout = httpx.Timeout(limit, connect=min(limit, CONNECT_SECONDS))
        content = {"json": json} if json is not None else {}
        shown = {**self._key_for(url), **(headers or {})}
        try:
            with self._http.stream(method, url, timeout=timeout, headers=shown, **content) as response:
                yield response
        except httpx.ConnectTimeout as exc:
            raise _unreachable(subject, f"no connection within {timeout.connect:.0f} s") from exc
        except httpx.TimeoutException as exc:
            raise _slow(subject, limit) from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise _unreachable(subject, str(exc) or type(exc).__name__) from exc

    def _key_for(self, url: str) -> dict[str, str]:
        return next(({"Authorization": f"Bearer {key}"} for at, key in self._keys.items() if url.startswith(at)), {})


def whole(response: httpx.Response, *, deadline: float, limit: float) -> Answer:
    """Read an open response to its end."""
    request = response.request
    subject = f"{request.method} {request.url}"
    chunks: t.Iterator[bytes] = within(response.iter_bytes(), subject, deadline=deadline, limit=limit, size=len)
    body = b"".join(chunks)
    return Answer(
        request.method, str(request.url), response.status_code, media_type(response.headers), body, response.headers
    )


def media_type(headers: t.Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def within(
    parts: t.Iterable[Part], subject: str, *, deadline: float, limit: float, size: t.Callable[[Part], int]
) -> t.Iterator[Part]:
    """Pass parts on until the deadline: a read time-out alone never ends an answer that trickles."""
    total = 0
    for part in parts:
        total += size(part)
        if total > MAX_BODY:
            raise refuse("PRB-CONTENT", subject, f"the answer is larger than {MAX_BODY // 1024**2} MiB")
        if time.monotonic() > deadline:
            raise _slow(subject, limit)
        yield part


def _slow(subject: str, limit: float) -> ProbeError:
    return refuse(
        "PRB-SLOW",
        subject,
        f"no complete answer within {limit:g} s",
        fix="Look at the service's log and load, or raise its time limit (time_limits).",
    )


def _unreachable(subject: str, reason: str) -> ProbeError:
    fix = "Look whether its pod is Ready, its Service has endpoints, and address and port are those of the Service."
    if "refused" in reason:
        fix += " Where all of that is so, the server listens on 127.0.0.1 alone: have it listen on 0.0.0.0."
    return refuse("PRB-UNREACHABLE", subject, f"does not answer: {reason}", fix=fix)
