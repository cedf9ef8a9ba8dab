"""The module, from its arguments to its answer, and our own applications against our own chart."""

from __future__ import annotations

import copy
import json
import os
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.contract.check import check_objects
from ansible_collections.harvis.platform.plugins.module_utils.contract.matching import Candidates, find_candidates
from ansible_collections.harvis.platform.plugins.module_utils.contract.task import ContractRequest, run_contract
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import FileLines, read_rendered
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.modules import env_contract

PROJECT = Path(__file__).resolve().parents[9]
CHART, APPS = PROJECT / "charts/harvis", PROJECT / "apps"
WORKER = Path(__file__).resolve().parents[4] / "corpus/_base/worker"
VARIABLES: list[str] = list(yaml.safe_load((CHART / "values.yaml").read_text())["variables"])


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    def run(expected_rc: int = 0, **params: t.Any) -> dict[str, t.Any]:
        with patch_module_args(params), pytest.raises(SystemExit) as ended:
            env_contract.main()
        assert ended.value.code == expected_rc
        found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return found

    return run


@pytest.fixture(scope="module")
def helm() -> str:
    own = PROJECT / ".harvis/bin/helm"
    found = os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm"))
    return found or pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")


@pytest.fixture(scope="module")
def rendered(helm: str) -> Objects:
    result = SystemRunner().run([helm, "template", "harvis-prod", str(CHART), "--namespace", "ai-agents"])
    return read_rendered(result.stdout, "ai-agents", lambda source, *_: FileLines(source, {})).objects


@pytest.fixture(scope="module")
def applications() -> Candidates:
    return find_candidates(APPS)


def without(objects: Objects, name: str) -> Objects:
    """As the chart renders when the variable is taken from its list."""
    changed = []
    for item in objects:
        body = copy.deepcopy(item.body)
        if item.kind in ("ConfigMap", "Secret"):
            body.get("data", {}).pop(name, None)
        if item.kind == "Deployment":
            for container in body["spec"]["template"]["spec"]["containers"]:
                container["env"] = [entry for entry in container.get("env", []) if entry["name"] != name]
        changed.append(KubernetesObject(body, item.namespace, item.lines))
    return Objects(tuple(changed))


def missing(findings: t.Iterable[Finding], name: str) -> list[Finding]:
    return [f for f in findings if f.code == "ENV-MISSING" and f": {name} " in f.cause]


def test_our_applications_keep_their_contract(rendered: Objects, applications: Candidates) -> None:
    findings, _ = check_objects(rendered, applications, strict=True)

    assert findings == []


@pytest.mark.fault("F41")
@pytest.mark.parametrize("name", VARIABLES)
def test_no_variable_of_our_chart_can_be_removed(rendered: Objects, applications: Candidates, name: str) -> None:
    findings, _ = check_objects(without(rendered, name), applications, strict=True)

    assert missing(findings, name)
    assert {f.code for f in findings} == {"ENV-MISSING"}


def test_a_variable_removed_from_the_chart_is_missing(helm: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("variables: {CHAT_MAX_TOKENS: null}\n")
    request = ContractRequest(APPS, chart=CHART, values=(values,), namespace="ai-agents", strict=True, helm=helm)

    result = run_contract(request, SystemRunner(), report_only=True)

    (found,) = [f for f in result["findings"] if f["code"] == "ENV-MISSING"]
    assert found["file"] == str(APPS / "harvis/python_back_end/settings.py")
    assert found["object"] == "ai-agents/Deployment/harvis-backend"


def test_the_programs_of_our_images_are_known(rendered: Objects, applications: Candidates) -> None:
    _, not_checked = check_objects(rendered, applications)
    unknown = {text.split(": ")[0] for text in not_checked if "no sources belong" in text}

    assert unknown == {
        "ai-agents/Deployment/harvis-backend container model",
        "ai-agents/Deployment/harvis-backend container ollama",
    }


def test_a_kept_contract(answer: t.Any) -> None:
    found = answer(sources=str(WORKER), manifests=str(WORKER / "k8s"), strict=True)

    assert (found["changed"], found["findings"]) == (False, [])


def test_check_mode_is_the_same(answer: t.Any) -> None:
    found = answer(sources=str(WORKER), manifests=str(WORKER / "k8s"), _ansible_check_mode=True)

    assert (found["changed"], found["findings"]) == (False, [])


def test_a_broken_contract_fails_with_its_findings(answer: t.Any, tmp_path: Path) -> None:
    shutil.copytree(WORKER, tmp_path / "repository")
    config = tmp_path / "repository/k8s/configmap.yaml"
    config.write_text(config.read_text().replace("QDRANT_URL", "QDRANT_ADDRESS"))
    given = {"sources": str(tmp_path / "repository"), "manifests": str(config.parent)}

    found = answer(1, **given)
    reported = answer(0, **given, report_only=True)

    assert [f["code"] for f in found["findings"]] == ["ENV-MISSING", "ENV-UNREAD"]
    assert reported["findings"] == found["findings"]


def test_objects_are_asked_for(answer: t.Any) -> None:
    assert "one of the following is required: manifests, chart" in answer(1, sources=str(WORKER))["msg"]


def test_sources_that_are_not_there(answer: t.Any, tmp_path: Path) -> None:
    assert "VAL-INPUT" in answer(1, sources=str(tmp_path / "none"), manifests=str(WORKER / "k8s"))["msg"]


def test_components_say_what_names_do_not(answer: t.Any, tmp_path: Path) -> None:
    shutil.copytree(WORKER, tmp_path / "repository")
    other = tmp_path / "repository/other/Dockerfile"
    other.parent.mkdir()
    other.write_text('FROM python:3.12-slim\nCOPY . /other\nCMD ["python", "/other/run.py"]\n')
    (other.parent / "run.py").write_text("import os\nA = os.environ['SOMETHING_ELSE']\n")
    given = {"sources": str(tmp_path / "repository"), "manifests": str(tmp_path / "repository/k8s")}

    found = answer(1, **given, components={"resonance": {"source": "other", "dockerfile": "Dockerfile"}})

    assert [f["line"] for f in found["findings"] if f["code"] == "ENV-MISSING"] == [2]
    assert "PLB-INPUT" in answer(1, **given, components={"resonance": {"folder": "other"}})["msg"]
