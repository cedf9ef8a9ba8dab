"""The controller's half of image_build: first against a recorded host, then through Ansible with a real daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.harvis.platform.plugins.action.image_build import ActionModule
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import connect
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError

COLLECTIONS = Path(__file__).resolve().parents[7]


class Host(ActionModule):
    """Answers as the module would, and keeps what it was asked and sent."""

    def __init__(self, args: dict[str, t.Any], answers: list[dict[str, t.Any]], *, check_mode: bool = False) -> None:
        self._task = t.cast(t.Any, SimpleNamespace(args=args, check_mode=check_mode))
        self._loader = t.cast(t.Any, SimpleNamespace(path_dwim=lambda path: path))
        shell = SimpleNamespace(tmpdir=None, join_path=lambda *parts: "/".join(parts))
        self._connection = t.cast(t.Any, SimpleNamespace(_shell=shell))
        self.answers = answers
        self.calls: list[dict[str, t.Any]] = []
        self.sent: dict[str, list[str]] = {}

    def _execute_module(self, *, module_args: dict[str, t.Any], **_rest: t.Any) -> dict[str, t.Any]:
        self.calls.append(module_args)
        return self.answers[len(self.calls) - 1]

    def runs_here(self) -> bool:
        return False

    def _make_tmp_path(self, _user: str | None = None) -> str:
        self._connection._shell.tmpdir = "/remote"
        return "/remote"

    def _transfer_file(self, local: str, remote: str) -> str:
        with tarfile.open(local) as archive:
            self.sent[remote] = archive.getnames()
        return remote

    def _fixup_perms2(self, *_args: t.Any, **_kwargs: t.Any) -> None:
        pass

    def ask(self) -> dict[str, t.Any]:
        # ActionBase.run looks at the task and the connection in ways that only a real play can satisfy.
        original, ActionBase.run = ActionBase.run, lambda *_args, **_kwargs: {}
        try:
            return self.run(None, {})
        finally:
            ActionBase.run = original


def answer(needed: dict[str, str | None], **images: bool) -> dict[str, t.Any]:
    changes = {f"h/{name}:0": [str(len(images))] for name in images}
    facts = {
        name: {"reference": f"h/{name}:1", "changed": changed, "archive": None} for name, changed in images.items()
    }
    names = {name: f"h/{name}:1" for name in images}
    diff = {"before": {}, "after": names}
    return {"changed": any(images.values()), "images": facts, "needed": needed, "diff": diff, "changes": changes}


@pytest.fixture
def args(tmp_path: Path) -> dict[str, t.Any]:
    for name in ("a/Dockerfile", "a/x.py", "a/junk.pyc", "b/Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("FROM scratch\n")
    (tmp_path / "a/.dockerignore").write_text("*.pyc\n")
    images = [{"name": name, "context": str(tmp_path / name)} for name in ("a", "b")]
    return {"cache_dir": "/cache", "images": images}


def test_nothing_is_sent_when_all_is_there(args: dict[str, t.Any]) -> None:
    host = Host(args, [answer({}, a=False, b=False)])
    result = host.ask()
    assert (len(host.calls), host.sent, result["changed"]) == (1, {}, False)
    assert "needed" not in result
    assert len(host.calls[0]["prepared"]["a"]["digest"]) == 64
    assert set(host.calls[0]["prepared"]["a"]["record"]["files"]) == {".dockerignore", "Dockerfile", "x.py"}


def test_only_what_is_missed_is_sent_and_built(args: dict[str, t.Any]) -> None:
    host = Host(args, [answer({"a": None}, a=True, b=False), answer({}, a=True)])
    result = host.ask()
    assert host.sent == {
        "/remote/a.tar": [
            *("Dockerfile", "Dockerfile.dockerignore"),
            *("context/.dockerignore", "context/Dockerfile", "context/x.py"),
        ]
    }
    assert [entry["name"] for entry in host.calls[1]["images"]] == ["a"]
    assert host.calls[1]["prepared"]["a"]["source"] == "/remote/a.tar"
    assert host.calls[1]["prepared"]["a"]["digest"] == host.calls[0]["prepared"]["a"]["digest"]
    assert (result["changed"], list(result["images"])) == (True, ["a", "b"])
    assert [entry["reference"] for entry in result["deliverables"]] == ["h/a:1", "h/b:1"]
    assert result["changes"] == {"h/a:0": ["1"], "h/b:0": ["2"]}


def test_sources_left_by_an_interrupted_run_are_not_sent_again(args: dict[str, t.Any]) -> None:
    host = Host(args, [answer({"a": "/host/src/a.tar"}, a=True, b=False), answer({}, a=True)])
    host.ask()
    assert (host.sent, host.calls[1]["prepared"]["a"]["source"]) == ({}, "/host/src/a.tar")


def test_a_pull_in_the_first_step_counts_as_a_change(args: dict[str, t.Any]) -> None:
    host = Host(args, [answer({"a": None}, a=True, b=True), answer({}, a=False)])
    assert host.ask()["changed"] is True


@pytest.mark.parametrize("at", [0, 1])
def test_a_failure_on_the_host_is_handed_on(args: dict[str, t.Any], at: int) -> None:
    failure = {"failed": True, "msg": "no", "findings": [{"code": "IMG-BUILD"}]}
    host = Host(args, [answer({"a": None}, a=True, b=True), failure][1 - at :])
    assert host.ask() == failure


def test_sources_that_cannot_be_read_stop_before_the_host_is_asked(args: dict[str, t.Any]) -> None:
    args["images"][1]["include"] = ["gone"]
    host = Host(args, [])
    result = host.ask()
    assert (result["failed"], [finding["code"] for finding in result["findings"]]) == (True, ["IMG-SOURCE"])
    assert host.calls == []


# --- through Ansible -------------------------------------------------------------------------------------------------

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - harvis.platform.image_build:
        prefix: harvis.test
        cache_dir: {folder}/cache
        src_dir: {folder}/src
        log_dir: {folder}/log
        images:
          - {{name: played, context: context, archive: true, build_args: {{MARK: "{mark}"}}}}
      register: built
    - ansible.builtin.copy:
        content: "{{{{ built | to_json }}}}"
        dest: {folder}/result.json
"""


class Play:
    """One task in a folder of its own, run as a user would run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "context").mkdir()
        (folder / "context/file").write_text("one")
        self.dockerfile("FROM scratch\nCOPY file /file\n")
        (folder / "play.yml").write_text(PLAY.format(folder=folder, mark=folder.name))
        self.failed = False

    def dockerfile(self, text: str) -> None:
        (self.folder / "context/Dockerfile").write_text(f"{text}LABEL test={self.folder}\n")

    def run(self, *options: str) -> dict[str, t.Any]:
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        program = [sys.executable, "-m", "ansible", "playbook", "play.yml", "-i", "host,", "-c", "local", *options]
        settings = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(self.folder / "ansible")}
        environment = {**os.environ, **settings, "ANSIBLE_FORCE_COLOR": "0"}
        argv = [*program, "-e", f"ansible_python_interpreter={sys.executable}"]
        done = subprocess.run(argv, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        self.failed = done.returncode != 0
        return dict(json.loads(result.read_text())) if result.is_file() else {"output": done.stdout + done.stderr}


@pytest.fixture
def play(tmp_path: Path) -> t.Iterator[Play]:
    try:
        daemon = connect()
    except ImageError as exc:
        pytest.skip(f"no Docker daemon that can be used: {exc.findings[0].cause}")
    yield Play(tmp_path)
    for image in daemon.api.images(filters={"reference": "harvis.test/played"}):
        for tag in image["RepoTags"]:
            daemon.api.remove_image(tag, force=True)


def test_a_play_builds_once_and_again_after_a_change(play: Play) -> None:
    first = play.run()
    assert (first["changed"], first["images"]["played"]["origin"]) == (True, "build"), first
    assert Path(first["images"]["played"]["archive"]).is_file()
    assert first["builder"]["buildkit"] in ("built-in", "buildx")
    assert list((play.folder / "src").iterdir()) == []
    second = play.run()
    assert (second["changed"], second["builder"]) == (False, None)
    (play.folder / "context/file").write_text("two")
    third = play.run()
    assert third["changed"] is True
    assert third["images"]["played"]["reference"] != first["images"]["played"]["reference"]


def test_a_play_in_check_mode_builds_nothing(play: Play) -> None:
    output = play.run("--check", "-v")["output"]
    assert "harvis.test/played:sha256-" in output
    assert not play.failed
    assert not (play.folder / "cache").exists()
    assert connect().api.images(filters={"reference": "harvis.test/played"}) == []


def test_a_broken_dockerfile_ends_the_play_with_one_finding(play: Play) -> None:
    play.dockerfile("FROM scratch\nCOPPY file /file\n")
    output = play.run()["output"]
    assert play.failed
    assert "IMG-BUILD played: Dockerfile:2" in output
    assert "unknown instruction: COPPY" in output
    assert not (play.folder / "cache").exists()
