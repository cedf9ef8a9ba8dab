"""The module from its arguments to its answer and files, and the playbook from its command line to its exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.modules import chart_audit
from ansible_collections.harvis.platform.tests.unit.corpus import BASES
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

PROJECT = Path(__file__).resolve().parents[8]
GREEDY = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: registry.example.com/web:1.0.0
      resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}
"""
KEYS = {"findings", "effects", "not_checked", "leaves", "renders", "seconds"}


def helm() -> str:
    own = PROJECT / ".harvis/bin/helm"
    found = os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm") or "")
    if not found:
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    return found


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/pod.yaml").write_text(GREEDY)
    return tmp_path


def run(folder: Path, **params: t.Any) -> dict[str, t.Any]:
    return run_main(chart_audit.main, {"base_dir": str(folder), **params})


def test_an_error_fails_the_task_and_the_files_are_written(manifests: Path) -> None:
    files = {"json": "out/audit.json", "sarif": "out/audit.sarif", "html": "out/audit.html"}

    result = run(manifests, manifests="k8s", **files)

    assert (result["failed"], result["passed"]) == (True, False)
    assert "RES-LIMIT k8s/pod.yaml:8" in result["msg"]
    said = json.loads((manifests / "out/audit.json").read_text())
    assert set(said) == KEYS
    assert [(f["code"], f["file"], f["line"]) for f in said["findings"]] == [("RES-LIMIT", "k8s/pod.yaml", 8)]
    assert json.loads((manifests / "out/audit.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "RES-LIMIT"
    assert "RES-LIMIT" in (manifests / "out/audit.html").read_text()


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_report_alone_succeeds_and_never_changes(manifests: Path, check_mode: bool) -> None:
    result = run(manifests, manifests="k8s", report_only=True, json="audit.json", _ansible_check_mode=check_mode)

    assert (result.get("failed", False), result["changed"], result["passed"]) == (False, False, False)
    assert result["findings"] == json.loads((manifests / "audit.json").read_text())["findings"]
    assert result["table"][-1].startswith("1 error, ")


def test_values_that_are_given_as_such_are_named_and_secret_ones_never_shown(tmp_path: Path) -> None:
    shutil.copytree(BASES / "tiny", tmp_path / "tiny")

    result = run(
        tmp_path,
        chart="tiny",
        helm=helm(),
        extra_values={"web": {"replicas": 3}},
        secret_values={"web": {"passphrase": "open-sesame-4711"}},
        extra_values_name="release_app_values",
        report_only=True,
    )

    found = [(f["severity"], f["file"], f["leaf"]) for f in result["findings"]]
    assert ("error", "release_app_values", "web.passphrase") in found
    assert "open-sesame-4711" not in json.dumps(result)


def test_without_helm_the_audit_can_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    given = {"chart": str(BASES / "tiny"), "cache_dir": str(tmp_path / "cache")}

    waited = run(tmp_path, require_helm=False, **given)
    refused = run(tmp_path, **given)

    assert (waited["skipped"], waited["changed"]) == (True, False)
    assert [f["code"] for f in refused["findings"]] == ["PLB-PROCESS"]


def test_something_must_be_named(tmp_path: Path) -> None:
    assert "one of the following is required: chart" in run(tmp_path)["msg"]


def playbook(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "ansible-playbook"
    given = [part for setting in settings for part in ("-e", setting)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "NO_COLOR": "1"}
    argv = [str(program), str(PROJECT / "playbooks/audit.yml"), *given]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_playbook_fails_on_an_error_and_still_writes(manifests: Path) -> None:
    done = playbook(manifests, "manifests=k8s", "audit_json=audit.json")

    assert done.returncode != 0
    assert "ERROR     RES-LIMIT       k8s/pod.yaml:8" in done.stdout
    assert json.loads((manifests / "audit.json").read_text())["findings"][0]["file"] == "k8s/pod.yaml"


ASKING = GREEDY.replace("memory: 2Gi", "memory: 1Gi") + "      env: [{name: QUEUE_URL, value: 'kafka://queeu:9092'}]\n"
QUEUE = "apiVersion: v1\nkind: Service\nmetadata: {name: queue}\nspec: {ports: [{port: 9092}]}\n"


@pytest.mark.parametrize(
    "beside", ["audit_beside=streams,mail", '{"audit_beside": [{"path": "streams", "namespace": "default"}]}']
)
def test_the_playbook_takes_what_is_deployed_beside(tmp_path: Path, beside: str) -> None:
    for name, text in (("k8s", ASKING), ("streams", QUEUE), ("mail", QUEUE.replace("queue", "mail"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(text)

    done = playbook(tmp_path, "manifests=k8s", beside, "audit_json=audit.json")

    assert done.returncode != 0
    (finding,) = json.loads((tmp_path / "audit.json").read_text())["findings"]
    assert (finding["code"], finding["file"]) == ("NET-SERVICE", "k8s/all.yaml")
    assert finding["cause"] == "there is no Service queeu in namespace default; there is queue"


def test_values_of_what_is_deployed_beside(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/all.yaml").write_text(ASKING.replace("queeu", "store-web"))
    beside = {"path": str(BASES / "tiny"), "release": "store", "extra_values": {"web": {"port": 9092}}}

    given = {"manifests": "k8s", "helm": helm(), "report_only": True}
    right = run(tmp_path, beside=[beside], **given)
    wrong = run(tmp_path, beside=[{**beside, "extra_values": {}}], **given)

    assert ([f["code"] for f in right["findings"]], [f["code"] for f in wrong["findings"]]) == ([], ["NET-SERVICEPORT"])


def test_the_playbook_takes_several_files_of_values(tmp_path: Path) -> None:
    shutil.copytree(BASES / "tiny", tmp_path / "tiny")
    (tmp_path / "one.yaml").write_text("web:\n  replicas: 3\n")
    (tmp_path / "two.yaml").write_text("web:\n  port: 9090\n")

    done = playbook(tmp_path, "chart=tiny", "values=one.yaml,two.yaml", f"audit_helm={helm()}", "audit_json=a.json")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads((tmp_path / "a.json").read_text())["effects"]) == 10
