"""All detectors over all playbooks and task files below a folder."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.plays.environment import lost_environment
from ansible_collections.harvis.platform.plugins.module_utils.plays.pipes import hidden_failures
from ansible_collections.harvis.platform.plugins.module_utils.plays.read import Sources, read_sources
from ansible_collections.harvis.platform.plugins.module_utils.plays.swallow import swallowed_failures
from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import TaskFile

Detector = t.Callable[[TaskFile, Sources], t.Iterable[Finding]]
DETECTORS: tuple[Detector, ...] = (hidden_failures, lost_environment, swallowed_failures)


def check_plays(folder: Path) -> tuple[list[Finding], list[str]]:
    """Findings by file and line, and what could not be read, a sentence each."""
    sources = read_sources(folder)
    found = {finding for file in sources.files for detect in DETECTORS for finding in detect(file, sources)}
    return sorted(found, key=_order), list(sources.not_checked)


def _order(finding: Finding) -> tuple[str, int, str]:
    place = finding.place
    return (place.file, place.line, finding.code) if place else ("", 0, finding.code)
