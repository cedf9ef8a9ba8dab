"""A check of any other endpoint: a request and what its answer must be."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Client
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import Promise, keep


@dataclass(frozen=True)
class HttpCheck:
    """``name`` is the row's subject."""

    name: str
    url: str
    promise: Promise
    method: str = "GET"
    body: t.Any = None
    headers: t.Mapping[str, str] | None = None
    limit: float = 30

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any], limit: float) -> HttpCheck:
        expect = params.get("expect") or {}
        promise = Promise(
            status=tuple(expect.get("status") or (200,)),
            content_type=expect.get("content_type"),
            schema=expect.get("schema"),
        )
        return cls(
            name=params.get("name") or f"{params['method']} {params['url']}",
            url=params["url"],
            promise=promise,
            method=params["method"],
            body=params.get("body"),
            headers=params.get("headers"),
            limit=params.get("time_limit") or limit,
        )

    def run(self, client: Client) -> str:
        answer = client.send(self.method, self.url, json=self.body, headers=self.headers, limit=self.limit)
        keep(answer, self.promise)
        kept = [f"status {answer.status}", answer.content_type or "no content type"]
        return ", ".join([*kept, "JSON as the schema says"] if self.promise.schema else kept)
