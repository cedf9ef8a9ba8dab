"""A copy of a chart for Helm to read, in which hashes are transparent: what goes into a checksum comes out, in base64.

A field that is a hash changes with everything that was hashed, and shows nothing of it: only one render for each leaf
could tell. ``b64enc`` takes what ``sha256sum`` takes and gives text that can be read back, so the copy's field changes
exactly when the original's does. Positions and findings speak of the original.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
# A shortened hash stays one: shortened text would not change with all that was hashed.
_HASH = re.compile(r"\b(?:sha(?:1|256|512)|adler32)sum\b(?!\s*\)?\s*\|\s*(?:trunc|substr|int|mod))")


@contextlib.contextmanager
def transparent(renderer: Renderer) -> t.Iterator[Renderer]:
    """A renderer of the copy, whose runs of Helm count as the renderer's own; itself where there is nothing to copy.

    A subchart that is packed stays as it is.
    """
    chart = renderer.chart
    rewritten = {file: text for file, text in _rewritten(chart) if file.is_file()}
    if not rewritten:
        yield renderer
        return
    with tempfile.TemporaryDirectory(prefix="harvis-chart-") as folder:
        place = Path(folder) / chart.root.resolve().name
        shutil.copytree(chart.root, place, ignore=shutil.ignore_patterns(".git"))
        for file, text in rewritten.items():
            copied = place / file.relative_to(chart.root)
            copied.unlink()  # never written to through a link
            copied.write_text(text)
        made = dataclasses.replace(renderer, chart=dataclasses.replace(chart, root=place), count=0)
        try:
            yield made
        finally:
            renderer.count += made.count


def _rewritten(chart: Chart) -> t.Iterator[tuple[Path, str]]:
    for template in chart.all_templates().values():
        text = _ACTION.sub(lambda action: _HASH.sub("b64enc", action[0]), template.text)
        if text != template.text:
            yield Path(template.file), text
