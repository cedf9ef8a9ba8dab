"""VAL-STALE: ``charts/`` holds another version of a subchart than Chart.yaml or Chart.lock asks for."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.versions import satisfies
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place

LOCKS = ("Chart.lock", "requirements.lock")


def stale_subcharts(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    """The root chart's: what a packaged subchart holds was settled by its author."""
    chart = subject.chart
    if chart is None or not chart.root.is_dir():
        return
    locked = _locked(chart)
    lines = _lines(chart.root / "Chart.yaml")
    for dependency in chart.dependencies:
        loaded = [sub for sub in chart.subcharts if sub.at[-1] == dependency.key]
        place = Place(str(chart.root / "Chart.yaml"), lines.get(dependency.name, 1))
        if len(loaded) > 1:
            yield _twice(place, dependency.name, loaded)
            continue
        version = str(loaded[0].metadata.get("version") or "") if loaded else ""
        wanted = locked.get(dependency.name, "")
        fits = satisfies(wanted or version, dependency.version)
        if wanted and fits is False:
            yield _stale(place, f"asks for {dependency.name} {dependency.version}", f"Chart.lock has {wanted}")
        elif version and wanted and version.removeprefix("v") != wanted.removeprefix("v"):
            yield _stale(place, f"Chart.lock has {dependency.name} {wanted}", f"{loaded[0].root} is {version}")
        elif version and fits is False:
            said = f"asks for {dependency.name} {dependency.version}"
            yield _stale(place, said, f"{loaded[0].root} is {version}")
        elif version and fits is None:
            yield NotChecked(f"{place.file}: the version range {dependency.version!r} is not understood")


def _locked(chart: Chart) -> dict[str, str]:
    from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import read_values

    for name in LOCKS:
        path = chart.root / name
        if path.is_file():
            try:
                data = read_values(str(path), path.read_bytes()).data
            except HarvisError:
                return {}
            entries = data.get("dependencies")
            listed = entries if isinstance(entries, list) else []
            return {str(e["name"]): str(e.get("version", "")) for e in listed if isinstance(e, dict) and "name" in e}
    return {}


def _lines(path: Path) -> dict[str, int]:
    """Line of each dependency's version in Chart.yaml, by its name."""
    from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import read_values

    file = read_values(str(path), path.read_bytes())
    entries = file.data.get("dependencies")
    found = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict) and "name" in entry:
            at = ("dependencies", index)
            found[str(entry["name"])] = file.lines.get((*at, "version"), file.lines.get(at, 1))
    return found


def _stale(place: Place, wanted: str, there: str) -> Finding:
    return Finding.at(
        "VAL-STALE",
        place,
        f"{wanted}, and {there}",
        evidence="Helm installs what lies in charts/, without looking at either version",
        fix="Run helm dependency update, and remove older archives from charts/.",
    )


def _twice(place: Place, name: str, loaded: list[Chart]) -> Finding:
    files = ", ".join(f"{sub.root} ({sub.metadata.get('version')})" for sub in loaded)
    return Finding.at(
        "VAL-STALE",
        place,
        f"charts/ holds {name} more than once; which one is installed is chance",
        evidence=files,
        fix="Keep one of them.",
    )


DETECTORS = (stale_subcharts,)
