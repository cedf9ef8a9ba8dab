"""DKMS: which kernels have the module, and why a build failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TREE = Path("var/lib/dkms")
TAIL_LINES = 15
# A compiler's command line has thousands of characters and says nothing.
LINE_LENGTH = 200
# Both forms that DKMS has had: "nvidia/535.1, 6.1.0, x86_64: installed" and "nvidia, 535.1, 6.1.0, x86_64: installed".
_LINE = re.compile(
    r"^(?P<name>[^,/\s]+)[/,]\s*(?P<version>[^,:\s]+)(?:,\s*(?P<kernel>[^,\s]+),\s*(?P<arch>[^:\s]+))?:\s*(?P<state>\w+)"
)
_ERROR = re.compile(r"(?:^|\s)(?:fatal )?error:|^ERROR|\*\*\*.*Error|\bundefined!")


@dataclass(frozen=True)
class Build:
    """One module for one kernel; ``kernel`` is empty for one that was added and never built."""

    name: str
    version: str
    kernel: str
    state: str

    @property
    def is_installed(self) -> bool:
        return self.state == "installed"


def parse_status(text: str) -> tuple[Build, ...]:
    """``dkms status``, the NVIDIA driver's lines alone."""
    found = filter(None, map(_LINE.match, text.splitlines()))
    builds = (Build(m["name"], m["version"], m["kernel"] or "", m["state"]) for m in found)
    return tuple(b for b in builds if re.fullmatch(r"nvidia(-(current|open|srv|tesla)[\w-]*)?", b.name))


@dataclass(frozen=True)
class BuildLog:
    """What remains of the newest failed build: ``kernel`` is empty where the log does not name it."""

    path: str
    kernel: str
    error: str
    tail: str


def read_failed_build(root: Path) -> BuildLog | None:
    """The newest make.log that lies where DKMS leaves that of a failed build; one that succeeded lies elsewhere."""
    logs = sorted((root / TREE).glob("nvidia*/*/build/make.log"), key=lambda p: p.stat().st_mtime)
    if not logs:
        return None
    lines = logs[-1].read_text(errors="replace").splitlines()
    named = re.search(r"for kernel:? (\S+)", "\n".join(lines[:5]))
    error = next((line.strip() for line in lines if _ERROR.search(line)), "")
    path = "/" + str(logs[-1].relative_to(root))
    return BuildLog(
        path, named[1] if named else "", error, "\n".join(line[:LINE_LENGTH] for line in lines[-TAIL_LINES:])
    )
