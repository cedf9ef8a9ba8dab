"""What each way of deploying is given: folders, namespaces and ports of its own, and the running platform's values."""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DATA_DIR = Path(os.environ.get("HARVIS_DATA_DIR", "/var/lib/harvis"))
CONTAINERD = "/run/harvis/containerd/containerd.sock"
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
RESONANCE = "vhm/workers/vhm_resonance/__init__.py"
VALUE = "RESONANCE_MAX_BEATS"
TOPICS = ["anchors-write", "anchors-indexed", "recall-request", "recall-response", "retell-response"]
TOPICS += [f"{name}.dlq" for name in ("anchors-write", "recall-request", "recall-response")]
# The user that the images run as.
_OWNER = 10001


@dataclass(frozen=True)
class Setting:
    """One way's place on the one cluster."""

    name: str
    folder: Path
    workers_namespace: str
    app_namespace: str
    backend_port: int
    kafka_port: int

    @property
    def apps(self) -> Path:
        return self.folder / "apps"

    @property
    def charts(self) -> Path:
        return self.folder / "charts"

    @property
    def small_chart(self) -> Path:
        return self.folder / "small-chart"

    @property
    def prefix(self) -> str:
        """Of the ten namespaces."""
        return f"ten-{self.name}"

    def prepare(self) -> None:
        """Copies of the sources, so that a change of one way's is no change of the others'."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("apps", "charts"):
            shutil.copytree(PROJECT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(PROJECT / "bench/redeploy/small-chart", self.small_chart)

    def change_code(self, mark: str) -> None:
        """One line of the worker ``resonance``."""
        original = (PROJECT / "apps" / RESONANCE).read_text(encoding="utf-8")
        (self.apps / RESONANCE).write_text(f'{original}\nBENCH_MARK = "{mark}"\n', encoding="utf-8")

    def volumes(self) -> dict[str, str]:
        """Folders of the node, made where they are missing."""
        made = {}
        for name in ("kafka", "qdrant", "ollama"):
            folder = DATA_DIR / "bench" / self.name / name
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, _OWNER, _OWNER)
            made[name] = str(folder)
        return made


@dataclass
class Cluster:
    """The programs of the platform that runs here."""

    state: Path

    @property
    def kubeconfig(self) -> str:
        return str(self.state / "kubeconfig")

    @property
    def helm(self) -> str:
        return str(self.state / "bin" / "helm")

    @property
    def kubectl(self) -> str:
        return str(self.state / "bin" / "kubectl")

    @functools.cached_property
    def address(self) -> str:
        """Of the node: its NodePorts do not answer on the loopback address."""
        where = "jsonpath={.items[0].status.addresses[0].address}"
        return self.run(self.kubectl, "get", "nodes", "-o", where)

    def run(self, program: str, *args: str, check: bool = True) -> str:
        environment = {**os.environ, "KUBECONFIG": self.kubeconfig}
        done = subprocess.run(
            [program, *args], env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        if check and done.returncode:
            raise RuntimeError(f"{Path(program).name} {' '.join(args)}: {done.stderr.strip()[-800:]}")
        return done.stdout

    def values_of(self, release: str, namespace: str) -> dict[str, t.Any]:
        text = self.run(self.helm, "get", "values", release, "-n", namespace, "-o", "json")
        return t.cast("dict[str, t.Any]", json.loads(text) or {})


def values_for(setting: Setting, cluster: Cluster) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """The values of the platform, moved to this setting's namespaces, ports and volumes.

    Three platforms have to fit on the node: each asks for next to no CPU. None is limited further than the platform is.
    """
    data = copy.deepcopy(cluster.values_of("harvis-data", "vhm"))
    app = copy.deepcopy(cluster.values_of("harvis-prod", "ai-agents"))
    volumes = setting.volumes()
    little = {"requests": {"cpu": "10m"}}
    data["global"] = {"namespace": setting.workers_namespace}
    data["kafka"] |= {"persistence": {"hostPath": volumes["kafka"]}, "resources": little}
    data["kafka"]["external"] |= {"nodePort": setting.kafka_port}
    data["qdrant"] |= {"persistence": {"hostPath": volumes["qdrant"]}, "resources": little}
    app["global"] = {"namespace": setting.app_namespace, "workersNamespace": setting.workers_namespace}
    merged = app["mergedOllamaBackend"]
    merged["ollama"] |= {"persistence": {"hostPath": volumes["ollama"]}, "resources": little}
    merged["ollama"]["model"]["resources"] = little
    merged["resources"] = little
    merged["service"] |= {"nodePort": setting.backend_port}
    for worker in app["workers"].values():
        worker["resources"] = little
    return data, app
