"""An API server of a few canned answers, on loopback; the client is the kubernetes library."""

from __future__ import annotations

import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("kubernetes")

RESOURCES = [
    {"name": "configmaps", "singularName": "configmap", "namespaced": True, "kind": "ConfigMap", "verbs": ["get"]},
    {"name": "namespaces", "singularName": "namespace", "namespaced": False, "kind": "Namespace", "verbs": ["get"]},
    {"name": "nodes", "singularName": "node", "namespaced": False, "kind": "Node", "verbs": ["get"]},
]
DISCOVERY: dict[str, t.Any] = {
    "/version": {"gitVersion": "v1.34.4"},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": RESOURCES},
}


class Api:
    """Answers by method and path; every request is kept."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[int, t.Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str], t.Any, str]] = []

    def answer(self, method: str, path: str, status: int, body: t.Any) -> None:
        self.answers[method, path] = status, body

    def respond(self, method: str, path: str) -> tuple[int, t.Any]:
        if path in DISCOVERY:
            return 200, DISCOVERY[path]
        missing = {"kind": "Status", "reason": "NotFound", "message": f"{path} not found"}
        return self.answers.get((method, path), (404, missing))


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path) -> t.Iterator[Path]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            url = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw else None
            kind = self.headers.get("Content-Type") or ""
            api.requests.append((self.command, url.path, dict(parse_qsl(url.query)), body, kind))
            status, answer = api.respond(self.command, url.path)
            data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        def log_message(self, *_: t.Any) -> None:
            """Not on the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield write_kubeconfig(tmp_path, server.server_port)
    server.shutdown()
    server.server_close()


def write_kubeconfig(folder: Path, port: int) -> Path:
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.fixture
def kubeconfig_of() -> t.Callable[[Path, int], Path]:
    return write_kubeconfig
