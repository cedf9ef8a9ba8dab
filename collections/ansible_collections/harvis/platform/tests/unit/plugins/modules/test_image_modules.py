"""The three modules from their arguments to their answers, on fakes where a daemon would be."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.image import bootstrap, task
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import ImageOnDaemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery import task as delivery
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.modules import image_bootstrap, image_build, image_deliver

DIGEST = "c" * 64
X = "harvis.local/x:sha256-cccccccccccccccc"


class Daemon:
    """Has what it is told to have, and takes nothing."""

    host = "unix:///fake.sock"

    def __init__(self, *references: str) -> None:
        self.references = references

    def find(self, reference: Reference | str) -> ImageOnDaemon | None:
        return ImageOnDaemon("sha256:id") if str(reference) in self.references else None

    def find_labelled(self, _label: str) -> list[t.Any]:
        return []

    def registry_digest(self, _name: str, _auth: t.Any = None) -> str | None:
        return None


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    """Runs a module's ``main`` and returns what it printed for Ansible."""

    def run(module: t.Any, *, check_mode: bool = False, **args: t.Any) -> dict[str, t.Any]:
        with patch_module_args({**args, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            module.main()
        return dict(json.loads(capsys.readouterr().out))

    return run


@pytest.fixture
def have(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    def install(*references: str) -> None:
        for module in (task, delivery, bootstrap):
            monkeypatch.setattr(module, "connect", lambda *_args, **_kwargs: Daemon(*references))

    return install


Call = t.Callable[..., dict[str, t.Any]]
Have = t.Callable[..., None]


def build_args(folder: Path) -> dict[str, t.Any]:
    return {
        "images": [{"name": "x", "context": "."}],
        "prepared": {"x": {"digest": DIGEST, "dockerfile": "FROM x", "source": None}},
        "cache_dir": str(folder / "cache"),
        "src_dir": str(folder / "src"),
        "log_dir": str(folder / "log"),
    }


def test_build_of_an_image_that_exists(call: Call, have: Have, tmp_path: Path) -> None:
    have(X)
    result = call(image_build, **build_args(tmp_path))
    assert (result["changed"], result["needed"], result["builder"]) == (False, {}, None)
    assert result["images"]["x"]["reference"] == X
    assert result["deliverables"] == [{"reference": X, "archive": None}]
    assert result["diff"] == {"before": {"x": X}, "after": {"x": X}}
    assert list(tmp_path.iterdir()) == []


def test_build_in_check_mode_says_what_would_be_made(
    call: Call, have: Have, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have()
    monkeypatch.setattr(task.Builder, "check_dockerfile", lambda *_args: None)
    monkeypatch.setattr(task, "find_build_cli", lambda *_args: image_build_cli())
    result = call(image_build, check_mode=True, **build_args(tmp_path))
    assert (result["changed"], result["images"]["x"]["origin"], result["needed"]) == (True, "build", {})
    assert result["diff"] == {"before": {"x": None}, "after": {"x": X}}
    assert result["builder"] == {"path": "docker", "version": "20.10", "buildkit": "built-in"}


def recorded(content: str) -> dict[str, t.Any]:
    return {"files": {"a.py": f"file {content}"}, "dockerfile": "0", "build_args": {}, "target": "", "base": ""}


@pytest.mark.parametrize("check_mode", [False, True])
def test_files_that_changed_since_an_older_image_are_returned(
    call: Call, have: Have, tmp_path: Path, check_mode: bool
) -> None:
    older, newer = build_args(tmp_path), build_args(tmp_path)
    older["prepared"]["x"]["record"] = recorded("1")
    newer["prepared"]["x"] |= {"digest": "f" * 64, "record": recorded("2")}
    other = "harvis.local/x:sha256-ffffffffffffffff"
    have(X, other)
    assert call(image_build, **older)["changes"] == {}
    kept = list((tmp_path / "cache/sources").iterdir())

    result = call(image_build, check_mode=check_mode, **newer)

    assert (result["changed"], result["changes"]) == (False, {X: ["a.py"]})
    assert len(list((tmp_path / "cache/sources").iterdir())) == len(kept) + (not check_mode)


def image_build_cli() -> t.Any:
    from ansible_collections.harvis.platform.plugins.module_utils.image.cli import BuildCli

    return BuildCli("docker", "20.10", "built-in")


def test_build_without_a_cli_that_can_do_buildkit(call: Call, have: Have, tmp_path: Path) -> None:
    have()
    result = call(image_build, docker_cli="/nonexistent/docker", **build_args(tmp_path))
    assert result["failed"] is True
    assert [finding["code"] for finding in result["findings"]] == ["IMG-DOCKER"]


def test_build_without_its_action_plugin_says_so(call: Call, have: Have, tmp_path: Path) -> None:
    have()
    result = call(image_build, **{**build_args(tmp_path), "prepared": {}})
    assert "without its action plugin" in result["msg"]


def test_sources_that_were_sent_get_their_name(have: Have, tmp_path: Path) -> None:
    have(X)
    (tmp_path / "src").mkdir()
    sent, other = tmp_path / "sent.tar", tmp_path / "src/xx-0123456789abcdef.tar"
    sent.write_text("sources")
    other.write_text("of another image")
    args = build_args(tmp_path)
    args["prepared"]["x"]["source"] = str(sent)
    options = {name: option.get("default") for name, option in image_build.ARGUMENT_SPEC.items()}
    task.produce_images({**options, **args}, t.cast(t.Any, None), check_mode=False)
    assert not sent.exists()
    assert list((tmp_path / "src").iterdir()) == [other], "what was sent for an image is removed once it exists"


def test_deliver_in_check_mode(call: Call, have: Have) -> None:
    have("h/x:1")
    settings = {"method": "registry", "registry": {"address": "r.example.org"}}
    result = call(image_deliver, check_mode=True, images=[{"reference": "h/x:1", "archive": None}], **settings)
    name = "r.example.org/x:1"
    assert result["images"] == {"h/x:1": {"reference": "h/x:1", "name": name, "id": "", "changed": True}}
    assert (result["changed"], result["diff"]) == (True, {"before": {name: None}, "after": {name: ""}})


def test_deliver_an_image_that_is_nowhere(call: Call, have: Have) -> None:
    have()
    result = call(image_deliver, images=[{"reference": "h/x:1"}], method="containerd")
    assert [finding["code"] for finding in result["findings"]] == ["IMG-MISSING"]


def test_deliver_nothing(call: Call) -> None:
    result = call(image_deliver, images=[], method="containerd")
    assert (result["changed"], result["images"]) == (False, {})


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        ({"method": "docker-env"}, "environment"),
        ({"method": "registry"}, "registry"),
        ({"method": "registry", "registry": {"address": "r", "username": "u"}}, "password"),
    ],
)
def test_deliver_refuses_a_method_without_its_options(call: Call, args: dict[str, t.Any], missing: str) -> None:
    result = call(image_deliver, images=[], **args)
    assert result["failed"] is True
    assert missing in result["msg"]


def test_bootstrap_in_check_mode(call: Call, have: Have, tmp_path: Path) -> None:
    have()
    args = {"cache_dir": str(tmp_path / "cache"), "work_dir": str(tmp_path / "work"), "mirror": "http://m.example.org"}
    result = call(image_bootstrap, check_mode=True, **args)
    assert (result["changed"], result["images"]["debian"]["reference"]) == (True, None)
    assert list(tmp_path.iterdir()) == []


def test_bootstrap_without_a_daemon(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_host: str | None) -> None:
        raise image_error("IMG-DOCKER", "unix:///x", "no daemon answers there")

    monkeypatch.setattr(bootstrap, "connect", refuse)
    result = call(image_bootstrap, cache_dir=str(tmp_path))
    assert [finding["code"] for finding in result["findings"]] == ["IMG-DOCKER"]


def test_bootstrap_from_the_cache_alone_is_refused_when_that_is_empty(call: Call, have: Have, tmp_path: Path) -> None:
    have()
    result = call(image_bootstrap, cache_dir=str(tmp_path), origin="cache")
    assert [finding["code"] for finding in result["findings"]] == ["IMG-ORIGIN"]


@pytest.mark.parametrize("module", [image_build, image_deliver, image_bootstrap])
def test_documentation_and_specification_agree(module: t.Any) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)
    _agree(documented["options"], module.ARGUMENT_SPEC)
    examples = yaml.safe_load(module.EXAMPLES)
    for example in examples:
        [action] = [value for name, value in example.items() if name.startswith("harvis.platform.")]
        assert set(action) <= set(documented["options"])


def _agree(documented: dict[str, t.Any], specified: dict[str, t.Any]) -> None:
    assert set(documented) == set(specified)
    for name, option in specified.items():
        facts = {key: documented[name].get(key) for key in ("type", "elements", "choices", "default", "required")}
        assert facts == {key: option.get(key) for key in facts}, name
        if "options" in option:
            _agree(documented[name]["suboptions"], option["options"])
