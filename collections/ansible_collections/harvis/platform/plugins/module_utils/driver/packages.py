"""What dpkg has installed, read from its own database: no program has to be started to see that nothing is to do."""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("var/lib/dpkg/status")
# All of the driver's own packages, in Debian, in Ubuntu and at NVIDIA; containers' tools are somebody else's.
DRIVER_NAMES = ("*nvidia*", "libcuda[0-9]*", "libxnvctrl*")
NOT_DRIVER = ("*nvidia-container*", "nvidia-docker*", "nvidia-cuda-*", "*nvidia-egl-*")


@dataclass(frozen=True)
class Package:
    """``status`` is dpkg's third word: ``installed``, ``half-configured``, ``config-files`` and so on."""

    name: str
    version: str
    held: bool
    status: str

    @property
    def is_installed(self) -> bool:
        return self.status == "installed"

    @property
    def is_broken(self) -> bool:
        return self.status in ("half-installed", "half-configured", "unpacked", "triggers-awaited", "triggers-pending")


@dataclass(frozen=True)
class Packages:
    """By name; a package that was removed with its configuration is not there."""

    by_name: dict[str, Package]

    def installed(self, name: str) -> Package | None:
        found = self.by_name.get(name)
        return found if found and found.is_installed else None

    @property
    def broken(self) -> tuple[Package, ...]:
        return tuple(p for p in self.by_name.values() if p.is_broken)

    @property
    def driver(self) -> tuple[Package, ...]:
        """Those of the NVIDIA driver, in order, whatever state they are in."""
        return tuple(p for name, p in sorted(self.by_name.items()) if is_driver_name(name))


def is_driver_name(name: str) -> bool:
    return _matches(name, DRIVER_NAMES) and not _matches(name, NOT_DRIVER)


def read_packages(root: Path) -> Packages:
    try:
        text = (root / STATUS).read_text(errors="replace")
    except OSError:
        return Packages({})
    return Packages({p.name: p for p in map(_package, text.split("\n\n")) if p and p.status != "not-installed"})


def _package(stanza: str) -> Package | None:
    fields: dict[str, str] = {}
    for line in stanza.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith(" ") and name in ("Package", "Version", "Status"):
            fields[name] = value.strip()
    want, _, rest = fields.get("Status", "").partition(" ")
    if "Package" not in fields or not rest:
        return None
    return Package(fields["Package"], fields.get("Version", ""), want == "hold", rest.split()[-1])


def _matches(name: str, patterns: t.Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
