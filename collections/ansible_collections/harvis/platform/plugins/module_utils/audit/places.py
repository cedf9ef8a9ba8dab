"""Places as a person at the caller's directory would write them, and the order in which findings are told."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


@dataclass(frozen=True)
class Roots:
    """``base`` is the caller's directory; ``folders`` are those that detectors' relative paths may begin at.

    ``names`` stand for files that are not the user's own, such as one made of an inventory's values.
    """

    base: Path
    folders: tuple[Path, ...] = ()
    names: t.Mapping[str, str] = field(default_factory=dict)

    def name(self, file: str) -> str:
        """``file`` relative to the base where it lies below it, else absolute; unknown files as they are."""
        if not file or file in self.names:
            return self.names.get(file, "")
        found = self._find(file)
        if found is None:
            return file
        return os.path.relpath(found, self.base) if found.is_relative_to(self.base) else str(found)

    def text(self, text: str) -> str:
        """Prose in which full paths below the base are written from there."""
        for file, name in self.names.items():
            text = text.replace(file, name)
        return text.replace(f"{self.base}{os.sep}", "")

    def _find(self, file: str) -> Path | None:
        path = Path(file)
        if path.is_absolute():
            return path
        # Helm names a template with the chart's name in front; a person would not.
        tails = [path, Path(*path.parts[1:])] if len(path.parts) > 1 else [path]
        candidates = (folder / tail for tail in tails for folder in (*self.folders, self.base))
        return next((candidate for candidate in candidates if candidate.exists()), None)


def named(finding: Finding, roots: Roots) -> Finding:
    """The finding with its files as ``roots`` name them."""
    said = {name: roots.text(getattr(finding, name)) for name in ("subject", "cause", "evidence", "fix")}
    if finding.place is None:
        return replace(finding, **said)
    place = replace(finding.place, file=roots.name(finding.place.file))
    if finding.subject == str(finding.place):
        said["subject"] = str(place)
    return replace(finding, place=place, **said)


def in_order(findings: t.Iterable[Finding]) -> list[Finding]:
    """By file, line and code, each once."""
    return sorted(dict.fromkeys(findings), key=_order)


def _order(finding: Finding) -> tuple[str, int, str, str, str]:
    place = finding.place or Place()
    return place.file, place.line, finding.code, finding.subject, finding.cause
