"""Hand-written stand-ins for what lies beyond the collection's own code, and ways to run a module's ``main``."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import threading
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, ProcessError

Answer = str | int | t.Callable[[tuple[str, ...]], str | None]


@dataclass
class FakeRunner:
    """A Runner that starts nothing.

    ``answers`` maps the beginning of an argument list to its output, its exit status, or a function that acts
    and returns the output; the longest beginning wins, and what has no answer succeeds in silence.
    """

    answers: dict[tuple[str, ...], Answer] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    inputs: list[t.Any] = field(default_factory=list)
    options: list[dict[str, t.Any]] = field(default_factory=list)

    def run(
        self,
        argv: t.Sequence[str],
        *,
        stdin: str | t.IO[bytes] | None = None,
        env: t.Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        timeout: float = 600,
        check: bool = True,
        log: Path | None = None,
        stop: threading.Event | None = None,
    ) -> CommandResult:
        argv = tuple(map(str, argv))
        self.calls.append(argv)
        self.inputs.append(stdin)
        stopped = {"stop": stop} if stop else {}
        self.options.append({"env": dict(env or {}), "cwd": cwd, "timeout": timeout, "log": log, **stopped})
        answer = self._answer(argv)
        rc, out = (answer, "") if isinstance(answer, int) else (0, answer)
        if check and rc:
            raise ProcessError(*fail("PLB-PROCESS", argv[0], f"exit status {rc}", evidence="its last line").findings)
        return CommandResult(argv, rc, out, "")

    def _answer(self, argv: tuple[str, ...]) -> str | int:
        known = [beginning for beginning in self.answers if argv[: len(beginning)] == beginning]
        answer = self.answers[max(known, key=len)] if known else ""
        return (answer(argv) or "") if callable(answer) else answer


def cluster_spec(root: Path, **changes: t.Any) -> ClusterSpec:
    """A spec whose folders lie below ``root``."""
    values: dict[str, t.Any] = {
        "version": "v1.34.4",
        "etcd_version": "v3.6.4",
        "coredns_version": "v1.12.4",
        "pause_version": "v1",
        "address": "192.0.2.10",
        "node_name": "workstation",
        "bin_dir": root / "bin",
        "data_dir": root / "data",
        "run_dir": root / "run",
        "pod_subnet": "10.244.0.0/24",
        "service_subnet": "10.96.0.0/16",
    }
    return ClusterSpec(**{**values, **changes})


def run_main(main: t.Callable[[], None], arguments: dict[str, t.Any], *, check_mode: bool = False) -> dict[str, t.Any]:
    """What the module printed for Ansible when run with ``arguments``."""
    output = io.StringIO()
    with (
        patch_module_args({**arguments, "_ansible_check_mode": check_mode}),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        main()
    return dict(json.loads(output.getvalue()))


@contextlib.contextmanager
def http_files(files: dict[str, bytes]) -> t.Iterator[str]:
    """A web server on this machine that serves ``files`` by path (anything else is 404); yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET

        def log_message(self, format: str, *args: t.Any) -> None:
            """Nothing: pytest's output is not the place."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
