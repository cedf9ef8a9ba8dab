"""Modules in Ansible's own process: when, and that they answer there as they would in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.action.helm_release import ActionModule as HelmRelease
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.module import Frame, frame_of
from ansible_collections.harvis.platform.plugins.modules import helm_release, values_check
from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import answer_here, preload

COLLECTIONS = Path(__file__).resolve().parents[7]
PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
SPEC = {
    "name": {"type": "str", "required": True},
    "count": {"type": "int", "default": 2},
    "secret": {"type": "str", "no_log": True},
}


def frame(call: t.Callable[[t.Any], dict[str, t.Any]], **rules: t.Any) -> Frame:
    return Frame(SPEC, call, True, rules)


def fail(_task: object) -> dict[str, t.Any]:
    raise HarvisError(Finding("PLB-INPUT", "x", "is wrong", fix="Mend it."))


def test_arguments_get_their_types_and_defaults_and_check_mode_is_told() -> None:
    seen = answer_here(
        frame(lambda task: {"seen": [task.params["count"], task.check_mode]}),
        {"name": "a", "count": "5"},
        check_mode=True,
    )
    assert seen == {"changed": False, "seen": [5, True]}


def test_a_warning_reaches_whoever_reads_the_playbook() -> None:
    def warning(task: t.Any) -> dict[str, t.Any]:
        task.warn("will not last")
        return {"changed": True}

    assert answer_here(frame(warning), {"name": "a"}, check_mode=False) == {
        "changed": True,
        "warnings": ["will not last"],
    }


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "missing required arguments: name"),
        ({"name": "a", "nmae": "b"}, "nmae. Supported parameters include: count, name, secret"),
        ({"name": "a", "count": "many"}, "many"),
        ({"name": "a", "count": 1, "secret": "s"}, "mutually exclusive"),
    ],
    ids=["missing", "unknown", "type", "rule"],
)
def test_wrong_arguments_fail(args: dict[str, t.Any], said: str) -> None:
    found = answer_here(frame(lambda _task: {}, mutually_exclusive=[("count", "secret")]), args, check_mode=False)
    assert found["failed"]
    assert said in found["msg"]


def test_a_secret_is_in_no_answer() -> None:
    told = answer_here(
        frame(lambda task: {"text": f"key={task.params['secret']}"}),
        {"name": "a", "secret": "swordfish"},
        check_mode=False,
    )
    assert "swordfish" not in str(told)
    assert told["text"].startswith("key=***")


def test_findings_and_a_broken_module_fail_the_task() -> None:
    found = answer_here(frame(fail), {"name": "a"}, check_mode=False)
    assert (found["failed"], found["findings"][0]["code"]) == (True, "PLB-INPUT")
    broken = answer_here(frame(lambda task: {"x": task.params["gone"]}), {"name": "a"}, check_mode=False)
    assert broken["failed"]
    assert "KeyError: 'gone'" in broken["msg"]


def test_what_json_does_not_know_is_told_as_text() -> None:
    assert answer_here(frame(lambda _task: {"at": Path("/x")}), {"name": "a"}, check_mode=False)["at"] == "/x"


def test_a_folder_for_the_task_is_gone_with_it() -> None:
    def write(task: t.Any) -> dict[str, t.Any]:
        (Path(task.tmpdir) / "x").write_text("x")
        return {"folder": task.tmpdir}

    folder = answer_here(frame(write), {"name": "a"}, check_mode=False)["folder"]
    assert Path(folder).is_absolute()
    assert not Path(folder).exists()


def test_a_frame_is_that_of_the_module_with_its_rules() -> None:
    found = frame_of(helm_release.main)
    assert found.argument_spec is helm_release.ARGUMENT_SPEC
    assert found.rules["mutually_exclusive"] == [("chart", "rollback_to")]
    assert frame_of(values_check.main).argument_spec is values_check.ARGUMENT_SPEC


def test_a_library_that_is_missing_leaves_the_module_to_the_hosts_own_python() -> None:
    assert preload("json", "yaml")
    assert not preload("json", "harvis_is_no_library")


def an_action(**changes: t.Any) -> HelmRelease:
    """An action of a task on this machine, where nothing speaks against this process."""
    given = {"transport": "local", "become": None, "environment": [], "async_val": 0, "libraries": True, **changes}
    action = HelmRelease.__new__(HelmRelease)
    action._task = t.cast(t.Any, SimpleNamespace(environment=given["environment"], async_val=given["async_val"]))
    connection = SimpleNamespace(transport=given["transport"], become=given["become"])
    action._connection, action._play_context = t.cast(t.Any, connection), t.cast(t.Any, None)
    action.HAS_LIBRARIES = given["libraries"]  # type: ignore[misc]
    return action


def becoming(user: str | None) -> SimpleNamespace:
    return SimpleNamespace(get_option=lambda _name, playcontext: user)  # noqa: ARG005


@pytest.mark.parametrize(
    ("changes", "here"),
    [
        ({}, True),
        ({"become": becoming(None)}, True),
        ({"become": becoming("nobody")}, False),
        ({"transport": "ssh"}, False),
        ({"environment": [{"KUBECONFIG": "/x"}]}, False),
        ({"environment": [{}]}, True),
        ({"async_val": 60}, False),
        ({"libraries": False}, False),
    ],
    ids=["local", "root", "another user", "ssh", "environment", "no environment", "async", "library missing"],
)
def test_only_what_would_see_the_same_runs_here(
    changes: dict[str, t.Any], here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert an_action(**changes).runs_here() is here


def test_who_is_not_root_and_has_to_become_it_runs_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not an_action(become=becoming(None)).runs_here()


def test_each_action_names_the_module_of_its_own_name() -> None:
    for place in sorted((PLUGINS / "action").glob("*.py")):
        text = place.read_text()
        if "InProcessAction" in text:
            assert f'collection_module("{place.stem}")' in text
            assert (PLUGINS / "modules" / place.name).is_file()


@pytest.fixture
def play(tmp_path: Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    def run(*tasks: dict[str, t.Any]) -> subprocess.CompletedProcess[str]:
        place = tmp_path / "play.yml"
        place.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]))
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "false"}
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return subprocess.run(
            [program, "-vvv", str(place)], env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_ansible_runs_it_in_its_own_process_with_templated_arguments(
    play: t.Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = play(
        {"harvis.platform.host_facts": None},
        {"ansible.builtin.debug": {"msg": "home={{ harvis_host.home }}"}},
        {
            "harvis.platform.values_check": {
                "charts": [{"chart": "/nowhere", "values": {"a": "{{ harvis_host.name }}"}}]
            }
        },
    )
    assert f"home={Path.home()}" in done.stdout
    assert "PLB-INPUT /nowhere" in done.stdout, done.stdout
    # What Ansible says when it starts a module in a process of its own.
    assert "EXEC /bin/sh" not in done.stdout
