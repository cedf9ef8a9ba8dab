from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import (
    Helm,
    render_argv,
    rollback_argv,
    upgrade_argv,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

SPEC = ReleaseSpec("app", "shop", Path("charts/app"), {"a": 1}, timeout=90)
COMMON = ["app", "charts/app"]
UPGRADE = ["upgrade", *COMMON, "--install", "--namespace", "shop", "--values", "-", "--reset-values"]
UPGRADE += ["--history-max", "20", "--timeout", "90s", "--wait"]

UPGRADES: list[tuple[str, ReleaseSpec, int, list[str]]] = [
    ("helm 3", SPEC, 3, [*UPGRADE, "--atomic"]),
    ("helm 4", SPEC, 4, [*UPGRADE, "--rollback-on-failure", "--server-side=true", "--force-conflicts"]),
    (
        "taking over is never undone",
        dataclasses.replace(SPEC, take_ownership=True),
        3,
        [*UPGRADE, "--take-ownership"],
    ),
    ("definitions left to others", dataclasses.replace(SPEC, crds="skip"), 3, [*UPGRADE, "--atomic", "--skip-crds"]),
    ("helm 3, not atomic", dataclasses.replace(SPEC, atomic=False), 3, UPGRADE),
    (
        "helm 4, not atomic",
        dataclasses.replace(SPEC, atomic=False),
        4,
        [*UPGRADE, "--server-side=true", "--force-conflicts"],
    ),
]


@pytest.mark.parametrize(("spec", "major", "argv"), [u[1:] for u in UPGRADES], ids=[u[0] for u in UPGRADES])
def test_upgrade_is_spelt_for_each_helm(spec: ReleaseSpec, major: int, argv: list[str]) -> None:
    assert upgrade_argv(spec, major) == argv


def test_rendering_uses_the_clusters_capabilities() -> None:
    argv = ["template", *COMMON, "--namespace", "shop", "--values", "-", "--dry-run=server"]
    argv.append("--take-ownership")
    assert render_argv(SPEC, is_upgrade=False) == argv
    assert render_argv(SPEC, is_upgrade=True) == [*argv, "--is-upgrade"]


def test_rollback_does_not_wait() -> None:
    argv = ["rollback", "app", "3", "--namespace", "shop", "--history-max", "20"]
    assert rollback_argv(SPEC, 3, 3) == argv
    assert rollback_argv(SPEC, 3, 4) == [*argv, "--server-side=true", "--force-conflicts"]


def test_values_go_through_stdin_and_nowhere_else(make: t.Any) -> None:
    runner = make.helm(make.cluster(), "---\n")
    spec = dataclasses.replace(SPEC, values={"password": "hunter2-hunter2"})
    Helm(runner, "helm", "/some/kubeconfig", "lab").render(spec, is_upgrade=False)
    assert "hunter2" not in " ".join(runner.calls[0])
    assert json.loads(runner.stdin[0]) == {"password": "hunter2-hunter2"}
    assert runner.calls[0][-4:] == ("--kubeconfig", "/some/kubeconfig", "--kube-context", "lab")


VERSIONS: list[tuple[str, int]] = [("v4.0.4\n", 4), ("v3.18.6", 3), ("", 4)]


@pytest.mark.parametrize(("text", "major"), VERSIONS)
def test_the_major_version_is_read(make: t.Any, text: str, major: int) -> None:
    runner = make.helm(make.cluster(), version=text)
    assert Helm(runner, "helm").major() == major


def test_a_missing_helm_is_one_finding(make: t.Any) -> None:
    with pytest.raises(ReleaseError, match="PLB-PROCESS /nowhere/helm: the helm program is not there"):
        Helm.find(make.helm(make.cluster()), "/nowhere/helm", None, None)


def test_a_failed_rendering_is_explained(make: t.Any) -> None:
    runner = make.helm(make.cluster(), render_failure="Error: execution error at (app/templates/a.yaml:3:1): no\n")
    with pytest.raises(ReleaseError, match=r"VAL-RENDER templates/a.yaml:3: no"):
        Helm(runner, "helm").render(SPEC, is_upgrade=False)
