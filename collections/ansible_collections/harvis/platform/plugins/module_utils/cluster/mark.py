"""Whose cluster is on this host? The mark is a file of ours that names the cluster's certificate authority."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import (
    CA_CERTIFICATE,
    KUBERNETES_FOLDERS,
    ClusterError,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import processes


@dataclass(frozen=True)
class Mark:
    """``ca`` is the SHA-256 of the cluster's CA certificate, or None while the cluster is being made."""

    version: str
    ca: str | None

    @classmethod
    def read(cls, path: Path) -> Mark | None:
        try:
            data: dict[str, t.Any] = json.loads(path.read_text())
            return cls(data["version"], data["ca"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: with half a mark, a cluster of ours would be taken for somebody else's.
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(json.dumps({"version": self.version, "ca": self.ca}, indent=1) + "\n")
        partial.replace(path)


def fingerprint(certificate: Path) -> str | None:
    """SHA-256 of a certificate file, or None where there is none."""
    try:
        return hashlib.sha256(certificate.read_bytes()).hexdigest()
    except OSError:
        return None


def refuse_foreign(mark_file: Path) -> None:
    """Raise ClusterError (PLB-FOREIGN) when Kubernetes state on this host is not marked as ours."""
    findings = find_foreign(mark_file)
    if findings:
        raise ClusterError(*findings)


def find_foreign(mark_file: Path) -> list[Finding]:
    """PLB-FOREIGN when there is Kubernetes state that our mark does not name, else nothing."""
    mark = Mark.read(mark_file)
    found = fingerprint(CA_CERTIFICATE)
    if mark and (mark.ca is None or found is None or mark.ca == found):
        return []
    traces = [str(folder) for folder in KUBERNETES_FOLDERS if _has_state(folder)]
    traces += [f"process {p.pid} {p.executable}" for p in processes() if Path(p.executable).name in ("kubelet", "k3s")]
    cause = "Kubernetes state is present that this platform did not make"
    fix = "Use it with cluster_provider=existing and its kubeconfig, or remove it yourself (kubeadm reset)."
    return [Finding("PLB-FOREIGN", "host", cause, ", ".join(traces), fix)] if traces else []


def _has_state(folder: Path) -> bool:
    # Packages and volume mounts leave empty folders behind; those belong to nobody.
    return folder.is_dir() and any(p.name not in ("manifests", "lost+found") for p in folder.iterdir())
