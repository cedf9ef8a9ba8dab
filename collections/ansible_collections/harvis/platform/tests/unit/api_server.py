"""A real API server with nothing behind it but etcd: what the server itself decides (validation, immutable fields,
dry runs, managed fields, leases) is asked of it, and not of an imitation.

The programs are those that the platform builds; where they are not there, tests that want them are skipped. No kubelet
runs: pods are never started. ``controllers`` adds the controllers that make Deployments and the like settle.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import secrets
import socket
import ssl
import subprocess
import threading
import time
import typing as t
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

# Two or three where the machine is idle.
STARTING_SECONDS = 240.0
_CACHE = Path("~/.cache/harvis/programs").expanduser()
_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
_CONTROLLERS = "deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller"
_CONTROLLERS += ",namespace-controller,garbage-collector-controller,job-controller"


@dataclasses.dataclass(frozen=True)
class ApiServer:
    """A running API server: where its kubeconfig lies, and the folder that holds its log files."""

    kubeconfig: Path
    folder: Path
    programs: Path

    def namespace(self, prefix: str = "test") -> str:
        """A name that no other test has; nothing is made."""
        return f"{prefix}-{uuid.uuid4().hex[:8]}"


def programs() -> Path | None:
    """The folder with the control plane's programs: beside HELM_BIN, else the newest in the platform's cache."""
    beside = [Path(os.environ["HELM_BIN"]).parent] if os.environ.get("HELM_BIN") else []
    cached = sorted(_CACHE.glob("kubernetes-*/bin"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next((path for path in [*beside, *cached] if all((path / name).is_file() for name in _PROGRAMS)), None)


def helm_binary() -> str:
    """The helm that tests use: HELM_BIN, else the one beside the other programs. Skips where there is none."""
    beside = programs()
    found = os.environ.get("HELM_BIN") or (str(beside / "helm") if beside else "")
    if not found or not Path(found).is_file():
        pytest.skip("HELM_BIN names no helm, and the platform has built none on this machine")
    return found


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ApiServer]:
    """etcd and kube-apiserver on loopback, for the whole session."""
    folder = programs()
    if folder is None:
        pytest.skip(
            f"{', '.join(_PROGRAMS)} are neither beside HELM_BIN nor in the platform's cache: `make up` builds them"
        )
    with contextlib.ExitStack() as stack:
        yield _start(stack, folder, tmp_path_factory.mktemp("api-server"))


@pytest.fixture(scope="session")
def controllers(api_server: ApiServer) -> t.Iterator[ApiServer]:
    """The same, with Deployments, StatefulSets, Jobs and namespaces looked after; pods are made and never run."""
    argv = ["kube-controller-manager", "--kubeconfig", str(api_server.kubeconfig), "--leader-elect=false"]
    argv += ["--secure-port=0", f"--controllers={_CONTROLLERS}"]
    with contextlib.ExitStack() as stack:
        _run(stack, api_server.programs, argv, api_server.folder)
        yield api_server


@contextlib.contextmanager
def ready_pods(server: ApiServer, namespace: str, image_id: str = "") -> t.Iterator[None]:
    """Stands in for the kubelets: every pod of the namespace is reported ready, and nothing of it is run.

    A pod of an image that ends in ``:never`` stays as it is.
    """
    from kubernetes import client, config

    library: t.Any = config
    core = client.CoreV1Api(library.new_client_from_config(str(server.kubeconfig)))
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(0.2):
            with contextlib.suppress(client.ApiException):
                for pod in core.list_namespaced_pod(namespace).items:
                    started = not any(c.image.endswith(":never") for c in pod.spec.containers)
                    if started and not pod.status.conditions and not pod.metadata.deletion_timestamp:
                        core.patch_namespaced_pod_status(pod.metadata.name, namespace, _ready(pod, image_id))

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)


def _ready(pod: t.Any, image_id: str) -> dict[str, t.Any]:
    states = [
        {
            "name": c.name,
            "image": c.image,
            "imageID": image_id,
            "ready": True,
            "restartCount": 0,
            "state": {"running": {}},
        }
        for c in pod.spec.containers
    ]
    kinds = ("Initialized", "PodScheduled", "ContainersReady", "Ready")
    conditions = [{"type": kind, "status": "True"} for kind in kinds]
    return {"status": {"phase": "Running", "conditions": conditions, "containerStatuses": states}}


def _start(stack: contextlib.ExitStack, binaries: Path, folder: Path) -> ApiServer:
    ports = free_ports(3)
    # Data of a test need not outlive the machine: etcd would wait for the disk at every write.
    etcd = ["etcd", "--unsafe-no-fsync", "--data-dir", str(folder / "etcd"), "--log-level", "error"]
    for kind, port in (("client", ports[0]), ("peer", ports[1])):
        etcd += [f"--listen-{kind}-urls", f"http://127.0.0.1:{port}"]
    etcd += ["--advertise-client-urls", f"http://127.0.0.1:{ports[0]}"]
    etcd += ["--initial-advertise-peer-urls", f"http://127.0.0.1:{ports[1]}"]
    etcd += ["--initial-cluster", f"default=http://127.0.0.1:{ports[1]}"]
    _run(stack, binaries, etcd, folder)
    token = secrets.token_urlsafe(24)
    process = _run(stack, binaries, _server_argv(folder, ports[0], ports[2], token), folder)
    _wait_until_ready(process, folder, ports[2], token)
    return ApiServer(_kubeconfig(folder, ports[2], token), folder, binaries)


def _server_argv(folder: Path, etcd: int, port: int, token: str) -> list[str]:
    key = folder / "accounts.key"
    key.write_bytes(_private_key())
    key.chmod(0o600)
    (folder / "tokens.csv").write_text(f'{token},tester,tester,"system:masters"\n', encoding="utf-8")
    (folder / "tokens.csv").chmod(0o600)
    argv = ["kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{etcd}", "--secure-port", str(port)]
    argv += ["--bind-address", "127.0.0.1", "--cert-dir", str(folder / "certificates")]
    argv += ["--token-auth-file", str(folder / "tokens.csv"), "--authorization-mode", "RBAC"]
    argv += ["--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", str(key)]
    argv += ["--service-account-signing-key-file", str(key), "--service-cluster-ip-range", "10.96.0.0/16"]
    # Without the token controller no account would ever be ready for a pod.
    return [*argv, "--disable-admission-plugins", "ServiceAccount"]


def _private_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, layout = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, layout, serialization.NoEncryption())


def _run(stack: contextlib.ExitStack, binaries: Path, argv: list[str], folder: Path) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / f"{argv[0]}.log").open("wb"))
    process = subprocess.Popen([str(binaries / argv[0]), *argv[1:]], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path, port: int, token: str) -> None:
    request = urllib.request.Request(f"https://127.0.0.1:{port}/readyz", headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context()
    # Only its readiness is asked here, before its certificate can be read; clients check it.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5, context=context):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    tail = (folder / "kube-apiserver.log").read_text(encoding="utf-8", errors="replace")[-2000:]
    pytest.fail(f"the API server did not get ready within {STARTING_SECONDS:.0f} s:\n{tail}")


def _kubeconfig(folder: Path, port: int, token: str) -> Path:
    authority = base64.b64encode((folder / "certificates" / "apiserver.crt").read_bytes()).decode()
    path = folder / "kubeconfig"
    path.write_text(
        f"""apiVersion: v1
kind: Config
current-context: test
clusters:
  - name: test
    cluster: {{server: "https://127.0.0.1:{port}", certificate-authority-data: {authority}}}
users:
  - name: tester
    user: {{token: {token}}}
contexts:
  - name: test
    context: {{cluster: test, user: tester}}
""",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
