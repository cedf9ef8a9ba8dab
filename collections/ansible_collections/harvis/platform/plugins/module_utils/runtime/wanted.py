"""What the caller asks for, and the places where each daemon keeps things unless told otherwise."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler

DaemonName = t.Literal["containerd", "docker"]
CONFIGS: dict[str, Path] = {
    "containerd": Path("/etc/containerd/config.toml"),
    "docker": Path("/etc/docker/daemon.json"),
}
SOCKETS: dict[str, Path] = {
    "containerd": Path("/run/containerd/containerd.sock"),
    "docker": Path("/run/docker.sock"),
}


@dataclass(frozen=True)
class RuntimeSpec:
    """One daemon, its configuration and socket, and the handler it shall have."""

    daemon: DaemonName
    handler: Handler
    config: Path
    socket: Path
    # Seconds that a restarted daemon may take until it serves.
    patience: float = 60

    @classmethod
    def of(
        cls, daemon: DaemonName, handler: Handler, *, config: str | None, socket: str | None, patience: float
    ) -> RuntimeSpec:
        """The usual places where nothing else is said."""
        found = Path(config) if config else CONFIGS[daemon]
        return cls(daemon, handler, found, Path(socket) if socket else SOCKETS[daemon], patience)
