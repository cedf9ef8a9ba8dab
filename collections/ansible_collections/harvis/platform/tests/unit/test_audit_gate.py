"""site.yml stops on what the audit finds, before the cluster is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[6]
SITE = PROJECT / "playbooks/site.yml"
CHART = PROJECT / "charts/harvis"
READS_OTHERS = "{{- $resources := .Values.backend.resources }}"


def steps() -> list[tuple[str, str, set[str]]]:
    """Role, entry point and tags of each step of the first play."""
    tasks = [task for task in yaml.safe_load(SITE.read_text())[0]["tasks"] if "ansible.builtin.import_role" in task]
    roles = [(task["ansible.builtin.import_role"], task) for task in tasks]
    return [
        (role["name"].rpartition(".")[2], role.get("tasks_from", "main"), set(task["tags"])) for role, task in roles
    ]


def test_the_audit_comes_first_and_again_once_there_is_a_helm() -> None:
    order = [f"{role}/{entry}" for role, entry, _ in steps()]

    first, second = (number for number, step in enumerate(order) if step == "release/audit")
    assert first < order.index("cluster/prepare")
    assert order[second - 1 : second + 2] == ["cluster/kubernetes", "release/audit", "cluster/up"]


def test_whoever_releases_has_audited() -> None:
    assert [tags for role, entry, tags in steps() if (role, entry) == ("release", "audit")] == [
        {"audit", "release"},
        {"audit", "release"},
    ]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHART, tmp_path / "harvis"))


@pytest.fixture
def site(tmp_path: Path) -> t.Callable[[Path], subprocess.CompletedProcess[str]]:
    own = PROJECT / ".harvis/bin/helm"
    helm = os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm") or "")
    if not helm:
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    path = f"{Path(helm).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "PATH": path, "NO_COLOR": "1"}

    def run(chart: Path) -> subprocess.CompletedProcess[str]:
        settings = json.dumps({"release_app_chart": str(chart), "harvis_output_root": str(tmp_path / "out")})
        # Nothing but the audit may be run on the machine of whoever runs the tests.
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), str(SITE), "--tags", "audit", "-e", settings]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def cross_wire(chart: Path) -> str:
    """The seed's bug: the pod of one component takes the resources of another."""
    template = chart / "templates/_backend.tpl"
    lines = template.read_text().splitlines()
    number = next(n for n, line in enumerate(lines) if "$resources := ternary" in line)
    lines[number] = READS_OTHERS
    template.write_text("\n".join(lines) + "\n")
    return f"VAL-CROSSED {template}:{number + 1}"


def forget_a_variable(chart: Path) -> str:
    values = yaml.safe_load((chart / "values.yaml").read_text())
    del values["variables"]["QDRANT_COLLECTION"]
    (chart / "values.yaml").write_text(yaml.safe_dump(values))
    return "ENV-MISSING"


def misspell_the_vector_store(chart: Path) -> str:
    """Its Service is another chart's, which the audit is told of."""
    template = chart / "templates/_variables.tpl"
    template.write_text(template.read_text().replace("http://qdrant.", "http://qdarnt."))
    return "NET-SERVICE"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (cross_wire, "Fix: Read .Values.mergedOllamaBackend.resources there."),
        (forget_a_variable, "QDRANT_COLLECTION"),
        (misspell_the_vector_store, "there is no Service qdarnt in namespace vhm; there is qdrant"),
    ],
)
def test_the_run_stops_before_anything_is_changed(
    chart: Path, site: t.Any, change: t.Callable[[Path], str], said: str
) -> None:
    finding = change(chart)

    done = site(chart)

    assert done.returncode != 0
    assert finding in done.stdout
    assert said in done.stdout
    assert "changed=0" in done.stdout
    assert "harvis.platform.cluster :" not in done.stdout
