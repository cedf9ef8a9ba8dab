"""The modules as Ansible runs them, and that the role and the look before a deployment hand the choice on."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.modules import gitops_info, helm_release, release_preflight
from ansible_collections.harvis.platform.tests.unit.api_server import helm_binary

Shop = t.Any
TASKS = Path(__file__).resolve().parents[5] / "roles/release/tasks"


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str], shop: Shop) -> t.Callable[..., dict[str, t.Any]]:
    def run(main: t.Callable[[], None], **params: t.Any) -> dict[str, t.Any]:
        given = {"kubeconfig": str(shop.server.kubeconfig), **params}
        with patch_module_args(given), pytest.raises(SystemExit):
            main()
        found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def release(shop: Shop, **params: t.Any) -> dict[str, t.Any]:
    place = {"name": "web", "namespace": shop.namespace, "chart": str(shop.spec.chart), "helm": helm_binary()}
    return {**place, "values": shop.spec.values, "timeout": 30, **params}


def codes(found: dict[str, t.Any]) -> list[str]:
    return [finding["code"] for finding in found["findings"]]


def test_helm_release_refuses_unless_told_otherwise(shop: Shop, answer: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where Ansible's own plugins are loaded, as in a whole run of the tests, a warning is shown and not returned.
    warned: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _, text, **__: warned.append(text))
    shop.present()
    own = shop.manage()
    bye = {**shop.spec.values, "texts": {"greeting": "bye", "who": "world"}}
    found = answer(helm_release.main, **release(shop, values=bye))
    assert (found["failed"], codes(found)) == (True, ["GOP-MANAGED"])
    found = answer(helm_release.main, **release(shop, values=bye, gitops="suspend"))
    assert (found["changed"], codes(found)) == (True, ["GOP-UNDONE"])
    assert [m["kind"] for m in found["managers"]] == ["HelmRelease"]
    assert [text.partition(":")[0].startswith("GOP-UNDONE Flux's HelmRelease") for text in warned] == [True]
    assert "suspend" not in shop.get(own)["spec"]


def test_secret_values_are_known_as_such(shop: Shop, answer: t.Any) -> None:
    before = shop.get(shop.manage())
    found = answer(helm_release.main, **release(shop, gitops="write", secret_values={"deep": {"key": "hush-hush"}}))
    assert codes(found) == ["GOP-SECRET"]
    assert found["findings"][0]["cause"].startswith("deep.key would stand readable")
    assert "hush-hush" not in json.dumps({**found, "invocation": None})
    assert shop.get(before) == before


def test_gitops_info_never_reports_changed(shop: Shop, answer: t.Any) -> None:
    shop.manage(suspend=True)
    found = answer(gitops_info.main, namespace=shop.namespace)
    assert (found["changed"], found["unchecked"]) == (False, [])
    assert [(m["name"], m["suspended"]) for m in found["managers"]] == [("web", "spec.suspend: true")]
    assert "GOP-SUSPENDED" in codes(found)


def test_a_deployment_ends_before_anything_is_built(shop: Shop, answer: t.Any) -> None:
    shop.manage()
    place = {"name": "web", "namespace": shop.namespace, "chart": str(shop.spec.chart)}
    found = answer(release_preflight.main, releases=[place])
    assert (found["failed"], codes(found)) == (True, ["GOP-MANAGED"])
    assert "failed" not in answer(release_preflight.main, releases=[place], gitops="write")
    # What the run does not touch hinders nothing.
    data = [{**place, "data": True}]
    assert "failed" not in answer(release_preflight.main, releases=data, only=["app"])
    assert codes(answer(release_preflight.main, releases=data, only=["data"])) == ["GOP-MANAGED"]


@pytest.mark.parametrize("module", ["helm_release", "release_preflight"])
def test_every_task_of_the_role_hands_the_choice_on(module: str) -> None:
    name = f"harvis.platform.{module}"
    tasks = [task for path in sorted(TASKS.glob("*.yml")) for task in yaml.safe_load(path.read_text()) or []]
    given = [task[name].get("gitops") for task in tasks if name in task]
    assert given
    assert set(given) == {"{{ release_gitops }}"}
