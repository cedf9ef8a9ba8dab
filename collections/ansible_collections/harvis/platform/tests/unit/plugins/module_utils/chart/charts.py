"""Charts made for a test, and Helm to render them with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, RenderOptions
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

HELM = os.environ.get("HELM_BIN") or shutil.which("helm") or ""
needs_helm = pytest.mark.skipif(
    not HELM, reason="no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin"
)
METADATA = "apiVersion: v2\nname: made\nversion: 0.1.0\n"


def write_chart(root: Path, values: str, templates: dict[str, str]) -> Path:
    (root / "templates").mkdir(parents=True)
    (root / "Chart.yaml").write_text(METADATA)
    (root / "values.yaml").write_text(values)
    for name, text in templates.items():
        (root / "templates" / name).write_text(text)
    return root


def renderer(root: Path, *overrides: Path) -> Renderer:
    return Renderer(load_chart(root, overrides), SystemRunner(), RenderOptions(HELM))
