"""Every tag of a playbook can be asked for by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[6]
PLAYBOOKS = PROJECT / "playbooks"


def tags(playbook: str) -> list[str]:
    plays = yaml.safe_load((PLAYBOOKS / playbook).read_text())
    return sorted({tag for play in plays for task in play["tasks"] for tag in task["tags"]} - {"always"})


def run(playbook: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {"harvis_data_dir": str(folder / "data"), "harvis_output_root": str(folder / "out")}
    variables = [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
    argv = [sys.executable, "-m", "ansible.cli.playbook", f"playbooks/{playbook}", *variables, *arguments]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}
    return subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_options_of_all_roles_are_checked_whichever_part_is_run(tmp_path: Path) -> None:
    """Argument specs are checked under every tag, so nothing in them may need a part that was not chosen."""
    done = run("site.yml", tmp_path, "--check", "--tags", "a-tag-that-nothing-has")

    assert done.returncode == 0, done.stdout
    assert "harvis.platform.worker_images : Validating arguments" in done.stdout


NEEDS = [
    ("worker_images", {"base_images : Read what was handed over", "worker_images : Build the images of the workers"}),
    ("topics", {"topics : Have the topics"}),
    (
        "release",
        {
            "base_images : Read what was handed over",
            "worker_images : Build the images of the workers",
            "backend_image : Build the image of the back end",
            "release : Release the application",
        },
    ),
    (
        "verify",
        {
            "base_images : Read what was handed over",
            "release : Release the data services",
            "topics : Have the topics",
            "gpu_plugin : Hand over what the nodes offer",
            "verify : Look at the pods, their images and their resources",
        },
    ),
]


@pytest.mark.parametrize(("tag", "needed"), NEEDS, ids=[tag for tag, _needed in NEEDS])
def test_a_tag_brings_what_its_part_needs(tmp_path: Path, tag: str, needed: set[str]) -> None:
    done = run("site.yml", tmp_path, "--list-tasks", "--tags", tag)

    listed = {line.partition("\t")[0].strip().removeprefix("harvis.platform.") for line in done.stdout.splitlines()}
    assert needed - listed == set()


def test_a_part_that_was_not_chosen_is_only_looked_at() -> None:
    """Whatever carries the tag of a later part runs in check mode unless one of its own was asked for."""
    plays = yaml.safe_load((PLAYBOOKS / "site.yml").read_text())
    shared: dict[str, t.Any] = {
        task["ansible.builtin.import_role"]["name"]: task
        for play in plays
        for task in play["tasks"]
        if "verify" in task["tags"]
        and "ansible.builtin.import_role" in task
        # That a verification passed is written down by whoever verifies.
        and task["ansible.builtin.import_role"].get("tasks_from") != "verified"
    }
    # These change nothing at all.
    harmless = {"harvis.platform.verify", "harvis.platform.gpu_plugin", "harvis.platform.base_images"}
    assert [
        name for name, task in shared.items() if name not in harmless and "chosen" not in task.get("check_mode", "")
    ] == []


def test_a_host_without_images_says_what_to_run_first(tmp_path: Path) -> None:
    done = run("site.yml", tmp_path, "--check", "--tags", "worker_images")

    assert done.returncode != 0
    assert "run playbooks/site.yml first" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-e", "release_shar=0.5"], "Did you mean release_share?"),
        (["-e", '{"worker_images_names": ["resonanse"]}'], "Did you mean resonance?"),
        (["-e", "only=resonanse"], "There are: indexer, resonance, reteller, backend, data, topics"),
        (["--tags", "resonanse"], "There are: indexer, resonance, reteller, backend, data, topics"),
        (["--tags", "resonance"], "the kubeconfig does not exist"),
    ],
)
def test_bad_input_ends_a_redeploy_before_anything_is_built(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = run("redeploy.yml", tmp_path, *arguments)

    assert done.returncode != 0
    assert said in " ".join(done.stdout.split())
    assert "Build the images" not in done.stdout
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "out").exists()
