"""Which commit a chart comes from."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

_SECONDS = 20


def source_revision(runner: Runner, chart: Path) -> str:
    """The commit of the checkout that holds ``chart``, with ``-dirty`` where files differ; empty outside of one."""
    folder = chart if chart.is_dir() else chart.parent
    argv = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = runner.run(argv, timeout=_SECONDS, check=False)
    except HarvisError:
        # Without git there is no revision to name; that is no reason to fail a release.
        return ""
    return "" if result.rc else result.stdout.strip()
