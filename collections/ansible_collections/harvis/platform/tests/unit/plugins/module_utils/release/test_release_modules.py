"""The modules as Ansible runs them: parameters in, one answer out."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.modules import (
    helm_release,
    helm_release_info,
    helm_release_verified,
)


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    def run(main: t.Callable[[], None], expected_rc: int = 0, **params: t.Any) -> dict[str, t.Any]:
        with patch_module_args(params), pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == expected_rc
        found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return found

    return run


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, make: t.Any, tmp_path: Path) -> t.Any:
    """helm and cluster of the modules replaced at their boundary."""
    fake = make.helm(make.cluster(), make.manifest)
    binary = tmp_path / "helm"
    binary.write_text("#!/bin/sh\n", encoding="utf-8")
    binary.chmod(0o755)
    monkeypatch.setattr(helm_release, "SystemRunner", lambda: fake)
    monkeypatch.setattr(helm_release, "connect", lambda *_: fake.cluster)
    monkeypatch.setattr(helm_release_info, "connect", lambda *_: fake.cluster)
    monkeypatch.setattr(helm_release_verified, "connect", lambda *_: fake.cluster)
    fake.binary = str(binary)
    return fake


def params(platform: t.Any, chart: Path, **more: t.Any) -> dict[str, t.Any]:
    return {"name": "app", "namespace": "shop", "chart": str(chart), "helm": platform.binary, **more}


def test_a_release_is_installed_and_then_left_alone(answer: t.Any, platform: t.Any, chart: Path) -> None:
    assert answer(helm_release.main, **params(platform, chart))["changed"] is True
    again = answer(helm_release.main, **params(platform, chart))
    assert (again["changed"], again["reasons"]) == (False, [])


def test_check_mode_writes_nothing(answer: t.Any, platform: t.Any, chart: Path) -> None:
    found = answer(helm_release.main, **params(platform, chart, _ansible_check_mode=True))
    assert found["changed"] is True
    assert "kind: Deployment" in found["diff"]["after"]
    assert platform.cluster.written == []


def test_values_files_and_values_reach_helm(answer: t.Any, platform: t.Any, chart: Path, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("a: 1\nb: 1\nc: 1\n", encoding="utf-8")
    given = {"values_files": [str(tmp_path / "values.yaml")], "values": {"b": 2, "c": 2}, "secret_values": {"c": "x"}}
    answer(helm_release.main, **params(platform, chart, **given))
    assert json.loads(platform.stdin[0]) == {"a": 1, "b": 2, "c": "x"}


def test_a_secret_value_is_in_no_answer(answer: t.Any, platform: t.Any, chart: Path) -> None:
    found = answer(helm_release.main, **params(platform, chart, secret_values={"key": "hunter2-hunter2"}))
    assert "hunter2" not in json.dumps(found)
    assert "hunter2" not in str(platform.calls)


def test_a_finding_is_a_failure(answer: t.Any, platform: t.Any, chart: Path) -> None:
    platform.render_failure = "Error: execution error at (app/templates/a.yaml:3:1): size is required\n"
    found = answer(helm_release.main, 1, **params(platform, chart))
    assert found["failed"] is True
    assert [(f["code"], f["subject"]) for f in found["findings"]] == [("VAL-RENDER", "templates/a.yaml:3")]


def test_a_missing_chart_is_a_finding(answer: t.Any, platform: t.Any, tmp_path: Path) -> None:
    found = answer(helm_release.main, 1, **params(platform, tmp_path / "nowhere"))
    assert found["findings"][0]["cause"] == "there is no chart here"


def test_absent_needs_no_chart(answer: t.Any, platform: t.Any) -> None:
    given = {"name": "app", "namespace": "shop", "state": "absent", "helm": platform.binary}
    assert answer(helm_release.main, **given)["changed"] is False


def test_info_changes_nothing(answer: t.Any, platform: t.Any, chart: Path) -> None:
    answer(helm_release.main, **params(platform, chart))
    platform.cluster.written.clear()
    found = answer(helm_release_info.main, name="app", drift=True)
    assert found["changed"] is False
    assert [(r["name"], r["status"], r["drift"]) for r in found["releases"]] == [("app", "deployed", [])]
    assert platform.cluster.written == []


def test_a_revision_is_verified_and_gone_back_to(answer: t.Any, platform: t.Any, chart: Path) -> None:
    answer(helm_release.main, **params(platform, chart))
    said = {"name": "app", "namespace": "shop", "verified": True, "note": "14 checks"}
    assert answer(helm_release_verified.main, **said, _ansible_check_mode=True)["changed"] is True
    assert answer(helm_release_verified.main, **said)["release"]["verified"] is True
    assert answer(helm_release_verified.main, **said)["changed"] is False
    back = {"name": "app", "namespace": "shop", "rollback_to": "verified", "helm": platform.binary}
    assert answer(helm_release.main, **back)["changed"] is False
    platform.manifest = platform.manifest.replace("hello", "bye")
    answer(helm_release.main, **params(platform, chart))
    planned = answer(helm_release.main, **back, _ansible_check_mode=True)
    assert (planned["changed"], planned["rolled_back_to"]) == (True, 1)
    found = answer(helm_release_info.main, name="app")["releases"][0]
    assert [(h["revision"], h["verified"], h["note"]) for h in found["history"]] == [
        (1, True, "14 checks"),
        (2, None, ""),
    ]


def test_nothing_half_done_is_verified(answer: t.Any, platform: t.Any, make: t.Any) -> None:
    platform.cluster.put(make.secret(1, "pending-install"))
    found = answer(helm_release_verified.main, 1, name="app", namespace="shop", verified=True)
    assert [f["cause"] for f in found["findings"]] == ["nothing to mark: revision 1 is pending-install"]


WRONG: list[tuple[str, dict[str, t.Any], str]] = [
    ("neither", {}, "state is present but any of the following are missing: chart, rollback_to"),
    ("both", {"chart": "/somewhere", "rollback_to": "1"}, "mutually exclusive: chart|rollback_to"),
]


@pytest.mark.parametrize(("given", "message"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_chart_or_a_revision(answer: t.Any, given: dict[str, t.Any], message: str) -> None:
    assert message in answer(helm_release.main, 1, name="app", namespace="shop", **given)["msg"]
