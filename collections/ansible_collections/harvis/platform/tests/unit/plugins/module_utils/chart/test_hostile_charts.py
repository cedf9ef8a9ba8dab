"""Whatever lies in a chart ends in one clear finding, within a time limit."""

from __future__ import annotations

import dataclasses
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.charts import (
    HELM,
    needs_helm,
    renderer,
    write_chart,
)

pytestmark = needs_helm
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {k: v}\n"
SECONDS = 60.0


def large(root: Path) -> None:
    (root / "values.yaml").write_text("a: " + "x" * (11 << 20) + "\n")


def bomb(root: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (root / "values.yaml").write_text("\n".join(lines) + "\n")


def deep(root: Path) -> None:
    (root / "values.yaml").write_text("a: " + "[" * 20_000 + "]" * 20_000 + "\n")


def binary(root: Path) -> None:
    (root / "values.yaml").write_bytes(bytes(range(256)) * 40)


def link_outside(root: Path) -> None:
    (root / "templates/secret.yaml").symlink_to("/etc/passwd")


def no_yaml(root: Path) -> None:
    (root / "values.yaml").write_text("a: [1\nb: 2\n")


def syntax_error(root: Path) -> None:
    (root / "templates/x.yaml").write_text(OBJECT + "{{ if }}\n")


def no_metadata(root: Path) -> None:
    (root / "Chart.yaml").unlink()


HOSTILE: dict[str, tuple[t.Callable[[Path], None], str]] = {
    "a values file of 11 MB": (large, "VAL-INPUT"),
    "aliases of aliases": (bomb, "VAL-INPUT"),
    "deep nesting": (deep, "VAL-INPUT"),
    "binary values": (binary, "VAL-INPUT"),
    "a link out of the chart": (link_outside, "VAL-INPUT"),
    "values that are no YAML": (no_yaml, "VAL-INPUT"),
    "a syntax error in a template": (syntax_error, "VAL-RENDER"),
    "no metadata": (no_metadata, "VAL-INPUT"),
}


@pytest.mark.parametrize(("spoil", "code"), HOSTILE.values(), ids=HOSTILE)
def test_one_clear_finding(spoil: t.Callable[[Path], None], code: str, tmp_path: Path) -> None:
    root = write_chart(tmp_path / "made", "a: 1\n", {"x.yaml": OBJECT})
    spoil(root)
    began = time.monotonic()

    report = audit(AuditRequest(chart=root, helm=HELM, base=tmp_path))

    assert [finding.code for finding in report.findings if finding.severity == "error"] == [code]
    assert not [reason for reason in report.not_checked if "went wrong" in reason]
    assert time.monotonic() - began < SECONDS


def test_an_endless_template_is_stopped(tmp_path: Path) -> None:
    loop = "{{ range until 2000000000 }}{{ end }}"
    made = renderer(write_chart(tmp_path / "made", "a: 1\n", {"x.yaml": OBJECT + loop}))
    made.options = dataclasses.replace(made.options, timeout=2.0)

    with pytest.raises(HarvisError, match="VAL-RENDER"):
        effect_map(made, made.chart.leaves())
