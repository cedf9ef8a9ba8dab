"""Whether a minikube profile passes the host's GPUs on: its add-on alone does not (kubernetes/minikube#19114)."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail

# Where the node is the host itself, there is nothing to pass on.
_BARE = ("none", "ssh")


def minikube_findings(home: Path, profile: str = "minikube") -> list[Finding]:
    """RUN-MINIKUBE for a profile that was started without GPUs; nothing where there is no such profile.

    ``home`` is MINIKUBE_HOME, by default ``~/.minikube``. Raises HarvisError (RUN-CONFIG) for a broken profile.
    """
    path = home / "profiles" / profile / "config.json"
    if not path.exists():
        return []
    data = _read(path)
    driver = str(data.get("Driver") or data.get("VMDriver") or "unknown")
    given = data.get("GPUs") or (data.get("KVMGPU") and "by KVM")
    if given or driver in _BARE:
        return []
    flag = "--kvm-gpu" if driver == "kvm2" else "--gpus=all"
    addon = bool((data.get("Addons") or {}).get("nvidia-device-plugin"))
    more = ", although its add-on nvidia-device-plugin is on and will run" if addon else ""
    return [
        Finding(
            "RUN-MINIKUBE",
            f"minikube profile {profile}",
            f"was started without GPUs{more}: no pod can get one",
            f"{path}: GPUs is {data.get('GPUs', 'not set')!r}, Driver {driver}",
            f"GPUs are given only when the node is made: minikube delete -p {profile}; "
            f"minikube start -p {profile} --driver={driver} {flag}",
        )
    ]


def _read(path: Path) -> dict[str, t.Any]:
    try:
        data = json.loads(path.read_text())
        if not isinstance(data, dict):
            raise ValueError("is no object")
    except (OSError, ValueError) as exc:
        fix = "Look at the file, or make the profile anew."
        raise fail("RUN-CONFIG", str(path), "is no profile of minikube", evidence=str(exc), fix=fix) from exc
    return data
