"""A copy of a chart for Helm to read, in which hashes are transparent: what goes into a checksum comes out, in base64.

A field that is a hash changes with everything that was hashed, and shows nothing of it: only one render for each leaf
could tell. ``b64enc`` takes what ``sha256sum`` takes and gives text that can be read back, so the copy's field changes
exactly when the original's does. Positions and findings speak of the original.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
# A shortened hash stays one: shortened text would not change with all that was hashed.
_HASH = re.compile(r"\b(?:sha(?:1|256|512)|adler32)sum\b(?!\s*\)?\s*\|\s*(?:trunc|substr|int|mod))")
_CHART_NAME = re.compile(r"[$\w.]*\.Chart\.Name\b")


def write_copy(chart: Chart, place: Path) -> None:
    """Copy the chart's folder; its templates get readable checksums and the chart's own name in writing.

    A subchart that is packed stays as it is.
    """
    shutil.copytree(chart.root, place, ignore=shutil.ignore_patterns(".git"))
    for each in chart.tree():
        for template in each.templates:
            copied = place / Path(template.file).relative_to(chart.root)
            if copied.is_file():
                copied.unlink()  # never written to through a link
                copied.write_text(_rewritten(template.text, each.name))


def _rewritten(text: str, name: str) -> str:
    def rewrite(action: re.Match[str]) -> str:
        return _CHART_NAME.sub(f'"{name}"', _HASH.sub("b64enc", action[0]))

    return _ACTION.sub(rewrite, text)
