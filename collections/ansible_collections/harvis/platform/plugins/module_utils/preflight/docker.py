"""Is there a Docker daemon, and does it let us in? Asked over its socket, without any client."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

SOCKET = Path("/var/run/docker.sock")
UNIT = Path("/etc/systemd/system/harvis-dockerd.service")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ping(path: Path = SOCKET) -> int | None:
    """HTTP status of the daemon's ``/_ping``; None when no daemon answers; raises PermissionError without rights."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status
    except PermissionError:
        raise
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def check(path: Path = SOCKET) -> tuple[bool, list[Finding]]:
    """Whether a usable daemon is there, and what is wrong with one that is there and is not usable."""
    try:
        status = ping(path)
    except PermissionError:
        fix = "Add the user to the group docker, or run the play with become."
        return False, [Finding("IMG-DOCKER", str(path), "this user may not talk to the Docker daemon", fix=fix)]
    if status not in (None, 200):
        evidence = f"GET /_ping answered {status}"
        return False, [
            Finding("IMG-DOCKER", str(path), "the Docker daemon is not healthy", evidence, "Restart Docker.")
        ]
    return status == 200, []


def is_ours(data_dir: Path) -> bool:
    """Whether the daemon on this host is the one that this platform runs for its builds."""
    units = (data_dir / "supervisor/programs/dockerd.conf", UNIT)
    return any(unit.exists() for unit in units)
