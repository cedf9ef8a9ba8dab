"""Whether a minikube profile passes GPUs on: recorded profiles, with the keys of minikube's own ClusterConfig."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.minikube import minikube_findings

# As `minikube start --driver=docker` writes it, shortened to what tells versions apart.
PROFILE = {
    "Name": "harvis",
    "KicBaseImage": "gcr.io/k8s-minikube/kicbase:v0.0.48",
    "Memory": 16384,
    "CPUs": 8,
    "Driver": "docker",
    "KVMGPU": False,
    "KubernetesConfig": {"KubernetesVersion": "v1.34.0", "ContainerRuntime": "docker"},
    "Addons": {"default-storageclass": True, "nvidia-device-plugin": True},
    "MultiNodeRequested": False,
    "GPUs": "",
}


def found(home: Path, **changes: t.Any) -> list[t.Any]:
    folder = home / "profiles/harvis"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**PROFILE, **changes}))
    return minikube_findings(home, "harvis")


@pytest.mark.fault("F10", code="RUN-MINIKUBE", when="plan", by="recorded tree")
def test_a_profile_that_was_started_without_gpus(tmp_path: Path) -> None:
    (finding,) = found(tmp_path)

    assert (finding.code, finding.subject) == ("RUN-MINIKUBE", "minikube profile harvis")
    assert "although its add-on nvidia-device-plugin is on" in finding.cause
    assert finding.evidence == f"{tmp_path}/profiles/harvis/config.json: GPUs is '', Driver docker"
    assert finding.fix.endswith("minikube start -p harvis --driver=docker --gpus=all")


def test_a_profile_of_a_minikube_that_knew_no_such_flag(tmp_path: Path) -> None:
    (tmp_path / "profiles/harvis").mkdir(parents=True)
    older = {key: value for key, value in PROFILE.items() if key not in ("GPUs", "Addons")}
    (tmp_path / "profiles/harvis/config.json").write_text(json.dumps(older))
    (finding,) = minikube_findings(tmp_path, "harvis")

    assert (finding.cause, "GPUs is 'not set'" in finding.evidence) == (
        "was started without GPUs: no pod can get one",
        True,
    )


@pytest.mark.parametrize(
    "changes", [{"GPUs": "all"}, {"GPUs": "nvidia"}, {"Driver": "kvm2", "KVMGPU": True}, {"Driver": "none"}]
)
def test_a_profile_with_gpus(tmp_path: Path, changes: dict[str, t.Any]) -> None:
    assert found(tmp_path, **changes) == []


def test_the_flag_of_another_driver(tmp_path: Path) -> None:
    assert found(tmp_path, Driver="kvm2")[0].fix.endswith("--driver=kvm2 --kvm-gpu")


def test_no_profile_is_no_finding_and_a_broken_one_is(tmp_path: Path) -> None:
    assert minikube_findings(tmp_path) == []
    found(tmp_path)
    (tmp_path / "profiles/harvis/config.json").write_text("[]")
    with pytest.raises(HarvisError, match="is no profile of minikube"):
        minikube_findings(tmp_path, "harvis")
