"""Which file is edited, and what is kept to restore it (files below a folder; no daemon runs)."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.apply import RuntimeResult, ensure
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import Answer
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.record import load_record, record_path
from ansible_collections.harvis.platform.plugins.module_utils.runtime.sources import deciding, load_sources
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner

SECTION = '[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "x"\n'
DEFAULT_CRUN = '{\n  "default-runtime": "crun",\n  "runtimes": {\n    "crun": {\n      "path": "crun"\n    }\n  }\n}\n'


def put(config: Path, *, present: bool = True, dry: bool = False, **handler: t.Any) -> RuntimeResult:
    """Without a daemon: the caller restarts by himself."""
    daemon: t.Any = "docker" if config.suffix == ".json" else "containerd"
    spec = RuntimeSpec(daemon, Handler(**handler), config, config.with_name("none.sock"))
    return ensure(spec, FakeRunner(), None, Answer, present=present, dry=dry)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


LAYOUTS: dict[str, tuple[dict[str, str], str]] = {
    "one file": ({"config.toml": "version = 2\n" + SECTION}, "config.toml"),
    "no file": ({}, "config.toml"),
    "a drop-in without the section": (
        {"config.toml": 'version = 2\nimports = ["conf.d/*.toml"]\n', "conf.d/a.toml": "version = 2\n[debug]\n"},
        "config.toml",
    ),
    "the last of two drop-ins": (
        {
            "config.toml": 'version = 2\nimports = ["conf.d/*.toml"]\n' + SECTION,
            "conf.d/a.toml": "version = 2\n" + SECTION,
            "conf.d/b.toml": SECTION,
        },
        "conf.d/b.toml",
    ),
    "an import of an import": (
        {
            "config.toml": 'version = 2\nimports = ["a.toml"]\n',
            "a.toml": 'version = 2\nimports = ["b.toml", "config.toml"]\n',
            "b.toml": "version = 2\n" + SECTION,
        },
        "b.toml",
    ),
    "an import that is not there": ({"config.toml": 'version = 2\nimports = ["gone.toml"]\n'}, "config.toml"),
    "a drop-in of another format": (
        {
            "config.toml": 'version = 2\nimports = ["conf.d/*.toml"]\n' + SECTION,
            "conf.d/a.toml": 'version = 3\n[plugins."io.containerd.cri.v1.runtime"]\nenable_cdi = true\n',
        },
        "conf.d/a.toml",
    ),
}


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_the_file_that_decides(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    write(tmp_path, files)

    assert deciding(load_sources(tmp_path / "config.toml")).path == tmp_path / expected


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_all_files_are_as_before_after_adding_and_removing(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    write(tmp_path, files)

    assert put(tmp_path / "config.toml", default=True).config == str(tmp_path / expected)
    assert "nvidia" in (tmp_path / expected).read_text()
    put(tmp_path / "config.toml", default=True, present=False)

    left = {str(p.relative_to(tmp_path)): p.read_text() for p in tmp_path.rglob("*") if p.is_file()}
    assert left == files


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "daemon.json"

    done = put(config, dry=True).to_result()

    assert (done["changed"], done["diff"]["before"], '"nvidia"' in done["diff"]["after"]) == (True, "", True)
    assert list(tmp_path.iterdir()) == []


def test_what_others_changed_since_stays_when_the_handler_goes(tmp_path: Path) -> None:
    config = tmp_path / "daemon.json"
    config.write_text(DEFAULT_CRUN)
    put(config, default=True)
    config.write_text(json.dumps({**json.loads(config.read_text()), "debug": True}, indent=2))

    put(config, present=False)

    assert json.loads(config.read_text()) == {**json.loads(DEFAULT_CRUN), "debug": True}
    assert not record_path(config).exists()


def test_a_second_edit_remembers_what_was_before_the_first(tmp_path: Path) -> None:
    """Byte for byte: taking the handler out of the second text would give other spaces."""
    config = tmp_path / "daemon.json"
    config.write_text('{"debug":true}')
    put(config)
    put(config, default=True)

    put(config, present=False)

    assert config.read_text() == '{"debug":true}'


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_mode_of_a_file_with_secrets_holds_for_its_copy(tmp_path: Path, mode: int) -> None:
    config = tmp_path / "config.toml"
    config.write_text("version = 2\n" + SECTION)
    config.chmod(mode)

    put(config)

    assert [p.stat().st_mode & 0o777 for p in (config, record_path(config))] == [mode, mode]


def test_line_ends_stay(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(b"version = 2\r\n[debug]\r\n")

    put(config)

    assert config.read_bytes().startswith(b"version = 2\r\n[debug]\r\n")


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}\n")
    config = tmp_path / "daemon.json"
    config.symlink_to("real.json")

    put(config)

    assert config.is_symlink()
    assert '"nvidia"' in (tmp_path / "real.json").read_text()


@pytest.mark.fault("F08", code="RUN-CONFIG", when="plan", by="recorded tree")
@pytest.mark.parametrize("owner", ["k3s", "rke2"])
def test_a_file_that_its_owner_writes_anew_is_refused(tmp_path: Path, owner: str) -> None:
    """Recorded tree: the places of k3s and rke2."""
    config = tmp_path / f"var/lib/rancher/{owner}/agent/etc/containerd/config.toml"
    write(tmp_path, {str(config.relative_to(tmp_path)): "version = 2\n"})

    with pytest.raises(HarvisError, match=f"is written by {owner} at each of its starts") as caught:
        put(config)

    assert [f.code for f in caught.value.findings] == ["RUN-CONFIG"]
    assert config.read_text() == "version = 2\n"


def test_a_spoilt_record_is_none(tmp_path: Path) -> None:
    config = tmp_path / "daemon.json"
    record_path(config).write_text("{")

    assert load_record(config) is None
