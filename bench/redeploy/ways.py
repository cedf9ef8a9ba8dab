"""The three ways of deploying that are measured. Each is a command; what it works on is its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
import tomllib
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from setting import CA_BUNDLE, CONTAINERD, DATA_DIR, PROJECT, TOPICS, VALUE, Cluster, Setting, values_for

PEERS = PROJECT / "bench" / "peers" / "redeploy"
SECONDS = 900


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    seconds: float
    code: int
    output: str


class Way(t.Protocol):
    """A way of deploying; ``rounds`` of a case are told apart by values and marks."""

    setting: Setting
    title: str

    def deploy(self, beats: int | None = None) -> Run: ...

    def deploy_ten(self, text: str) -> Run: ...


def timed(argv: list[str], environment: dict[str, str]) -> Run:
    began = time.monotonic()
    done = subprocess.run(
        argv,
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return Run(time.monotonic() - began, done.returncode, done.stdout)


def _inventory(setting: Setting) -> str:
    """Ten hosts, each a release."""
    place = setting.folder / "ten.ini"
    hosts = "\n".join(f"{setting.prefix}-{number}" for number in range(1, 11))
    place.write_text(f"[releases]\n{hosts}\n", encoding="utf-8")
    return str(place)


def _given(setting: Setting, values: dict[str, t.Any]) -> str:
    place = setting.folder / "given.json"
    place.write_text(json.dumps(values), encoding="utf-8")
    return f"@{place}"


def small_values(text: str) -> dict[str, str]:
    """With the image that every pod of this node has anyway, under the name that its containerd knows."""
    config = tomllib.loads((DATA_DIR / "etc/containerd.toml").read_text(encoding="utf-8"))
    return {"text": text, "image": config["plugins"]["io.containerd.grpc.v1.cri"]["sandbox_image"]}


def with_beats(values: dict[str, t.Any], beats: int | None) -> dict[str, t.Any]:
    if beats is None:
        return values
    variables = {**values.get("variables", {}), VALUE: {"value": beats}}
    return {**values, "variables": variables}


@dataclass
class Ours:
    """This project."""

    setting: Setting
    cluster: Cluster
    playbook: str = "redeploy.yml"
    title: str = "this project"
    _beats: int | None = None

    def deploy(self, beats: int | None = None, *more: str) -> Run:
        self._beats = beats or self._beats
        given = {
            "worker_images_source": str(self.setting.apps / "vhm"),
            "backend_image_source": str(self.setting.apps / "harvis"),
            "release_app_chart": str(self.setting.charts / "harvis"),
            "release_data_chart": str(self.setting.charts / "harvis-data"),
            "release_app_values": with_beats({}, self._beats),
        }
        argv = [self._program, f"playbooks/{self.playbook}", "-e", _given(self.setting, given), *more]
        return timed(argv, {})

    def deploy_ten(self, text: str) -> Run:
        given = {
            "chart": str(self.setting.small_chart),
            "small_values": small_values(text),
            "kubeconfig": self.cluster.kubeconfig,
            "helm": self.cluster.helm,
        }
        where = ["-i", _inventory(self.setting), "bench/redeploy/ten.yml"]
        # Every host is this machine, under the Python that reads the playbook.
        return timed([self._program, *where, "-e", _given(self.setting, given)], {})

    @property
    def _program(self) -> str:
        return str(PROJECT / ".harvis/venv/bin/ansible-playbook")


@dataclass
class Peers:
    """``kubernetes.core`` and ``community.docker``, as their documentation has them."""

    setting: Setting
    cluster: Cluster
    helm: str
    base: str
    docker_host: str
    title: str = "kubernetes.core + community.docker"
    _beats: int | None = None
    _values: tuple[dict[str, t.Any], dict[str, t.Any]] = field(default=({}, {}))

    def deploy(self, beats: int | None = None, *more: str) -> Run:
        self._beats = beats or self._beats
        self._values = self._values if self._values[0] else values_for(self.setting, self.cluster)
        archives = self.setting.folder / "archives"
        archives.mkdir(exist_ok=True)
        data, app = self._values
        given = {
            **self._common,
            "docker_host": self.docker_host,
            "images": self._images(),
            "archives": str(archives),
            "containerd": CONTAINERD,
            "ca_bundle": CA_BUNDLE,
            "charts": str(self.setting.charts),
            "workers_namespace": self.setting.workers_namespace,
            "app_namespace": self.setting.app_namespace,
            "data_values": data,
            "app_values": with_beats(app, self._beats),
            "topics": TOPICS,
            "url": f"http://{self.cluster.address}:{self.setting.backend_port}",
        }
        return self._play(str(PEERS / "site.yml"), given, *more)

    def deploy_ten(self, text: str) -> Run:
        given = {**self._common, "chart": str(self.setting.small_chart), "small_values": small_values(text)}
        return self._play(str(PEERS / "ten.yml"), given, "-i", _inventory(self.setting))

    @property
    def _common(self) -> dict[str, t.Any]:
        python = str(PROJECT / ".harvis/dev/bin/python")
        return {"kubeconfig": self.cluster.kubeconfig, "helm": self.helm, "ansible_python_interpreter": python}

    def _images(self) -> list[dict[str, t.Any]]:
        apps = self.setting.apps
        workers = [
            {
                "name": f"vhm-{name}",
                "path": str(apps / "vhm"),
                "dockerfile": "docker/worker.Dockerfile",
                "args": {"BASE": self.base, "WORKER_MODULE": f"workers.vhm_{name}.main"},
            }
            for name in ("indexer", "resonance", "reteller")
        ]
        backend = {
            "name": "harvis-backend",
            "path": str(apps / "harvis"),
            "dockerfile": "docker/backend.Dockerfile",
            "args": {"BASE": self.base, "SPEECH": "cpu"},
        }
        return [*workers, backend]

    def _play(self, playbook: str, given: dict[str, t.Any], *more: str) -> Run:
        environment = {"ANSIBLE_CONFIG": str(PEERS / "ansible.cfg"), **docker_environment(self.docker_host)}
        program = str(PROJECT / ".harvis/dev/bin/ansible-playbook")
        return timed([program, playbook, "-e", _given(self.setting, given), *more], environment)


@dataclass
class CheatSheet:
    """A note of commands: build all, load all, apply, restart, wait."""

    setting: Setting
    cluster: Cluster
    base: str
    docker_host: str
    title: str = "cheat sheet (docker, helm, kubectl)"
    has_topics: bool = False
    _beats: int | None = None
    _values: tuple[dict[str, t.Any], dict[str, t.Any]] = field(default=({}, {}))

    def deploy(self, beats: int | None = None) -> Run:
        self._beats = beats or self._beats
        self._values = self._values if self._values[0] else values_for(self.setting, self.cluster)
        data, app = self._values
        app = with_beats(app, self._beats)
        for worker in app["workers"]:
            app["workers"][worker]["image"] = f"sheet.local/vhm-{worker}:0.1.0"
        app["mergedOllamaBackend"]["backend"] = {"image": "sheet.local/harvis-backend:0.1.0"}
        folder = self.setting.folder
        (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
        (folder / "app.json").write_text(json.dumps(app), encoding="utf-8")
        environment = {
            **self._common,
            "BASE": self.base,
            "APPS": str(self.setting.apps),
            "CHARTS": str(self.setting.charts),
            "VALUES": str(folder),
            "CONTAINERD": CONTAINERD,
            "CA_BUNDLE": CA_BUNDLE,
            "WORKERS_NAMESPACE": self.setting.workers_namespace,
            "APP_NAMESPACE": self.setting.app_namespace,
            "TOPICS": "" if self.has_topics else " ".join(TOPICS),
        }
        self.has_topics = True
        return timed([str(PEERS / "cheat-sheet.sh")], environment)

    def deploy_ten(self, text: str) -> Run:
        values = self.setting.folder / "ten.json"
        values.write_text(json.dumps(small_values(text)), encoding="utf-8")
        given = {"CHART": str(self.setting.small_chart), "VALUES": str(values), "PREFIX": self.setting.prefix}
        return timed([str(PEERS / "ten.sh")], {**self._common, **given})

    @property
    def _common(self) -> dict[str, str]:
        programs = {"HELM": self.cluster.helm, "KUBECTL": self.cluster.kubectl}
        return {**programs, "KUBECONFIG": self.cluster.kubeconfig, **docker_environment(self.docker_host)}


def docker_environment(docker_host: str) -> dict[str, str]:
    """With the buildx plugin that ``bench/redeploy/buildx`` pins."""
    return {"DOCKER_HOST": docker_host, "DOCKER_CONFIG": str(PROJECT / ".harvis/bench")}


def build_programs(go: Path) -> None:
    """What the peers need besides: Docker's buildx plugin and a Helm 3, for kubernetes.core does not know Helm 4."""
    for name, place in {"buildx": "cli-plugins/docker-buildx", "helm": "bin/helm"}.items():
        target = PROJECT / ".harvis/bench" / place
        if target.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}
        argv = [str(go), "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), "tool"]
        subprocess.run(argv, cwd=PROJECT / "bench/redeploy" / name, env={**os.environ, **flags}, check=True)
