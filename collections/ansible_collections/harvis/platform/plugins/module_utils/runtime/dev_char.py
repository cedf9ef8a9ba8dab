"""Whether running containers keep their GPUs over a reload of systemd (NVIDIA/nvidia-container-toolkit#48).

Where systemd owns the containers' cgroups, a reload makes it write their device rules anew, from what the container's
specification says. The toolkit's older way of injection adds the devices behind its back, and systemd finds a device
only by its link below ``/dev/char``, which NVIDIA's driver does not make. Any upgrade of a package may reload.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.runtime import containerd_text, docker_text
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.sources import read_text
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toml_text import lookup, parse
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toolkit import read_toolkit
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import CONFIGS

_TOOLKIT = "etc/nvidia-container-runtime/config.toml"
# From this version on, "auto" describes devices by CDI, which systemd is told of.
_CDI_BY_ITSELF = (1, 18)
# Fixed for all but nvidia-uvm (nvidia-modprobe-utils.h): the kernel gives that one any major number that is free.
_FIXED = {"nvidiactl": (195, 255), "nvidia-modeset": (195, 254)}
_UVM = {"nvidia-uvm": 0, "nvidia-uvm-tools": 1}


def reload_findings(
    handler: Handler, root: Path = Path("/"), daemon: str = "containerd", config: Path | None = None
) -> list[Finding]:
    """RUN-CHAR where a reload would take the GPUs away; nothing where it cannot be known.

    Raises HarvisError (RUN-CONFIG) for a configuration that cannot be read.
    """
    missing = _without_link(root)
    file = config or CONFIGS[daemon]
    owner = _systemd_owns(root, handler, daemon, file) if missing and not handler.cdi else ""
    injection = _older_injection(root, handler) if owner else ""
    if not injection:
        return []
    nodes = ", ".join(f"/dev/{name} ({major}:{minor})" for name, (major, minor) in missing.items())
    return [
        Finding(
            "RUN-CHAR",
            "/dev/char",
            "running containers lose their GPUs when systemd reloads (`Failed to initialize NVML: Unknown Error`): "
            f"/dev/char has no link to {nodes}",
            f"{owner}; {injection}",
            "Run `nvidia-ctk system create-dev-char-symlinks --create-all` at each start (a udev rule on the driver "
            "nvidia), or describe the GPUs by CDI (nvidia_container_runtime, cdi: true). "
            "Containers that lost them must be started anew.",
        )
    ]


def _without_link(root: Path) -> dict[str, tuple[int, int]]:
    """NVIDIA's devices that systemd would not find, with their numbers."""
    uvm = re.search(r"^\s*(\d+) nvidia-uvm$", _text(root / "proc/devices"), re.MULTILINE)
    numbers = dict(_FIXED)
    numbers |= {name: (int(uvm[1]), minor) for name, minor in _UVM.items()} if uvm else {}
    cards = (re.fullmatch(r"nvidia(\d+)", path.name) for path in (root / "dev").glob("nvidia[0-9]*"))
    numbers |= {found[0]: (195, int(found[1])) for found in cards if found}
    there = {name: numbers[name] for name in sorted(numbers) if (root / "dev" / name).exists()}
    return {name: n for name, n in there.items() if not (root / "dev/char" / f"{n[0]}:{n[1]}").is_symlink()}


def _systemd_owns(root: Path, handler: Handler, daemon: str, file: Path) -> str:
    """What says that systemd owns the containers' cgroups; empty where something else does."""
    if not (root / "run/systemd/system").is_dir():
        return ""
    text = read_text(root / file.relative_to("/"))
    if daemon == "docker":
        v2 = (root / "sys/fs/cgroup/cgroup.controllers").exists()
        said = _docker_owner(docker_text.parse(text, str(file)), handler, v2=v2)
    else:
        said = _containerd_owner(parse(text, str(file)), handler, str(file))
    return f"{file}: {said}" if said else ""


def _containerd_owner(data: t.Mapping[str, t.Any], handler: Handler, file: str) -> str:
    keys = (*containerd_text.section(data, file), "containerd", "runtimes", handler.name, "options", "SystemdCgroup")
    return f"SystemdCgroup of {handler.name} is true" if lookup(data, keys) else ""


def _docker_owner(docker: t.Mapping[str, t.Any], handler: Handler, *, v2: bool) -> str:
    """Docker takes systemd's driver by itself on cgroup version 2."""
    drivers = [o.partition("=")[2] for o in docker.get("exec-opts") or [] if o.startswith("native.cgroupdriver=")]
    systemd = drivers[-1] == "systemd" if drivers else v2
    if handler.name not in docker.get("runtimes", {}) or not systemd:
        return ""
    return "native.cgroupdriver=systemd" if drivers else "Docker chooses systemd on cgroup version 2"


def _older_injection(root: Path, handler: Handler) -> str:
    """What says that devices are added behind systemd's back; empty where they are not, or where nothing tells."""
    data = parse(_text(root / _TOOLKIT), f"/{_TOOLKIT}")
    mode = lookup(data, ("nvidia-container-runtime", "mode")) or "auto"
    version = read_toolkit(handler, root).version
    found = re.match(r"(\d+)\.(\d+)", version)
    if mode == "legacy":
        return f"/{_TOOLKIT}: mode legacy"
    if mode == "auto" and found and (int(found[1]), int(found[2])) < _CDI_BY_ITSELF:
        return f"toolkit {version} in mode auto, which is legacy before 1.18"
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
