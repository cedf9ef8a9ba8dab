"""NVIDIA's container toolkit on a host: the programs that must be there, and their version."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler

PACKAGE = "nvidia-container-toolkit"
PACKAGES = (PACKAGE, "nvidia-container-toolkit-base")
FIX = (
    f"Install {PACKAGE} from NVIDIA's repository, or build nvidia-container-runtime and nvidia-ctk from its Go modules "
    "and name the program's path."
)


@dataclass(frozen=True)
class Toolkit:
    """What is installed; an empty version is a toolkit that no package brought."""

    binary: Path
    is_there: bool
    version: str = ""


def read_toolkit(handler: Handler, root: Path = Path("/")) -> Toolkit:
    """The program under ``root``, and the version that dpkg has for it."""
    binary = handler.binary
    path = root / binary.relative_to("/") if binary.is_absolute() else None
    return Toolkit(binary, path is not None and path.is_file() and os.access(path, os.X_OK), _version(root))


def toolkit_findings(handler: Handler, root: Path = Path("/")) -> list[Finding]:
    """RUN-TOOLKIT where the handler's program is not there or cannot be executed."""
    toolkit = read_toolkit(handler, root)
    if toolkit.is_there:
        return []
    path = root / handler.binary.relative_to("/") if handler.binary.is_absolute() else handler.binary
    cause = "is not an executable file" if path.exists() else "is not there"
    said = f"package {PACKAGE} {toolkit.version} is installed" if toolkit.version else f"no package {PACKAGE} either"
    return [Finding("RUN-TOOLKIT", str(handler.binary), f"the container runtime for GPUs {cause}", said, FIX)]


def _version(root: Path) -> str:
    """From dpkg's own database: asking dpkg would say something about this host, not about a recorded one."""
    try:
        paragraphs = (root / "var/lib/dpkg/status").read_text(errors="replace").split("\n\n")
    except OSError:
        return ""
    for paragraph in paragraphs:
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Package") in PACKAGES and fields.get("Status", "").endswith(" installed"):
            return fields.get("Version", "")
    return ""
