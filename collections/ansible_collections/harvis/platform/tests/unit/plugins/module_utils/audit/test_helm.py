"""Which helm is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError

CHECKOUT = "work/.harvis/bin/helm"
OLD, NEW = (f"cache/programs/kubernetes-{key}/bin/helm" for key in "ab")


def programs(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
        os.utime(folder / name, (number, number))


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ([OLD, NEW], NEW),
        ([NEW, OLD], OLD),
        ([NEW, "path/helm"], "path/helm"),
        (["path/helm", CHECKOUT], CHECKOUT),
    ],
)
def test_the_nearest_helm_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], wanted: str
) -> None:
    programs(tmp_path, *there)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))

    assert find_helm("", tmp_path / "work/charts", tmp_path / "cache") == str(tmp_path / wanted)


def test_a_helm_that_was_named_wins(tmp_path: Path) -> None:
    programs(tmp_path, CHECKOUT, "mine/helm4")

    assert find_helm(str(tmp_path / "mine/helm4"), tmp_path / "work") == str(tmp_path / "mine/helm4")


@pytest.mark.parametrize("given", ["", "no-such-helm"])
def test_no_helm_is_a_finding_with_its_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(HarvisError) as caught:
        find_helm(given, tmp_path, tmp_path)

    assert [(f.code, f.subject, "make up" in f.fix) for f in caught.value.findings] == [
        ("PLB-PROCESS", given or "helm", True)
    ]
