from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image import cli as cli_module
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import BuildCli, find_build_cli
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

OLD = "Docker version 20.10.24+dfsg1, build 297e128\n"
NEW = "Docker version 28.2.2, build e6534b4\n"


def test_an_old_cli_has_buildkit_inside(runner: t.Any) -> None:
    runner.answer("--version", OLD)
    found = find_build_cli(runner, ["/usr/bin/docker"])
    assert found == BuildCli("/usr/bin/docker", "20.10.24+dfsg1", "built-in")
    assert found.build_command == ("/usr/bin/docker", "build")
    assert found.environment == {"DOCKER_BUILDKIT": "1"}


def test_a_new_cli_builds_through_its_plugin_on_the_daemon_itself(runner: t.Any) -> None:
    runner.answer("--version", NEW)
    runner.answer("buildx version", "github.com/docker/buildx v0.29.0")
    found = find_build_cli(runner, ["/usr/bin/docker"])
    assert found == BuildCli("/usr/bin/docker", "28.2.2", "buildx")
    assert found.build_command == ("/usr/bin/docker", "buildx", "build", "--builder", "default", "--load")
    assert found.environment == {}


def test_a_new_cli_without_its_plugin_is_passed_over(runner: t.Any) -> None:
    runner.answer("/a/docker --version", NEW)
    runner.answer("/a/docker buildx", rc=1, stderr="docker: 'buildx' is not a docker command.")
    runner.answer("/b/docker --version", OLD)
    assert find_build_cli(runner, ["/a/docker", "/b/docker"]).path == "/b/docker"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (NEW, "version 28.2.2 has no buildx plugin"),
        ("Docker version 17.05.0-ce, build 1\n", "version 17.05.0-ce has no BuildKit"),
        ("podman version 4.3.1\n", "is not Docker's own command line"),
    ],
)
def test_without_any_the_finding_says_why_for_each(runner: t.Any, version: str, reason: str) -> None:
    runner.answer("--version", version)
    runner.answer("buildx version", rc=1)
    with pytest.raises(ImageError) as caught:
        find_build_cli(runner, ["/usr/bin/docker"])
    finding = caught.value.findings[0]
    assert finding.code == "IMG-DOCKER"
    assert f"/usr/bin/docker: {reason}" in finding.evidence
    assert "docker.io" in finding.fix


def test_a_program_that_cannot_be_started_is_passed_over() -> None:
    with pytest.raises(ImageError, match="cannot be started"):
        find_build_cli(SystemRunner(), ["/nonexistent/docker"])


def test_no_candidate_at_all(runner: t.Any) -> None:
    with pytest.raises(ImageError, match="no program docker was found"):
        find_build_cli(runner, [])


def test_the_one_on_path_comes_first_and_no_file_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a/docker", tmp_path / "b/docker"
    for program in (first, second):
        program.parent.mkdir()
        program.write_text("")
    link = tmp_path / "docker"
    link.symlink_to(second)
    monkeypatch.setattr(cli_module, "_USUAL", (str(first), str(second), str(tmp_path / "missing")))
    monkeypatch.setattr(cli_module.shutil, "which", lambda _name: str(second))
    assert cli_module.usual_candidates() == [str(second), str(first)]
    monkeypatch.setattr(cli_module.shutil, "which", lambda _name: str(link))
    assert cli_module.usual_candidates() == [str(link), str(first)]
