"""Rendering a chart: at once from what lies here where that is what the server was given before, else on the server.

Helm asks a server for its version, its kinds and every object of the chart, which takes several times as long as the
rendering. A chart that asks nothing renders the same without; and what is word for word what the server has accepted
once needs no second word from it.
"""

from __future__ import annotations

import re
import typing as t
from concurrent.futures import Future
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import documents
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision

_NO_CRD = "ensure CRDs are installed first"
# What a template may learn of a cluster. In a value it counts as well: `tpl` renders values.
_ASKS = re.compile(rb"\blookup\b|\bCapabilities\b")


def asks_server(chart: Path) -> bool:
    """Whether the chart may render otherwise with a server. What is not a folder, or has packed charts, might."""
    if not chart.is_dir() or any(chart.glob("charts/**/*.tgz")):
        return True
    return any(_ASKS.search(path.read_bytes()) for path in sorted(chart.rglob("*")) if path.is_file())


def begin_rendering(helm: Helm, spec: ReleaseSpec) -> tuple[str, bool]:
    """What can be rendered before anything is known of the release: the manifest, and whether the server helped.

    Raises ReleaseError where the server's own rendering fails.
    """
    if not asks_server(spec.chart) and not _ASKS.search(repr(spec.values).encode()):
        try:
            return helm.render(spec, is_upgrade=True, on_server=False), False
        except ReleaseError:
            # Helm's own idea of a Kubernetes version may be too old for the chart.
            pass
    return helm.render(spec, is_upgrade=True), True


def rendered(helm: Helm, spec: ReleaseSpec, history: History, begun: Future[tuple[str, bool]]) -> tuple[str, bool]:
    """The manifest, and whether it is what the server would get.

    Raises ReleaseError for templates and values that cannot be used.
    """
    try:
        text, on_server = begun.result()
        if not history.is_installed:
            # A chart may render otherwise for a first install (.Release.IsInstall).
            return helm.render(spec, is_upgrade=False), True
        if on_server or _is_recorded(text, history.last_good):
            return text, True
        return helm.render(spec, is_upgrade=True), True
    except ReleaseError as exc:
        # Helm asks the server about kinds whose definitions come with this very chart.
        if spec.crds == "skip" or _NO_CRD not in str(exc):
            raise
    return helm.render(spec, is_upgrade=history.is_installed, on_server=False), False


def _is_recorded(text: str, revision: Revision | None) -> bool:
    return revision is not None and _parts(text) == _parts(f"{revision.manifest}\n---\n{revision.hooks}")


def _parts(text: str) -> t.Sequence[str]:
    """Helm keeps a manifest in one order and shows it in another."""
    return sorted(part.strip() for part in documents(text) if part.strip())
