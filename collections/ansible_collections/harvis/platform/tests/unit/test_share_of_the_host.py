"""site.yml with ``release_share``: resources worked out from what the host has, before anything is changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[6]
SITE = PROJECT / "playbooks/site.yml"
WORKSTATION = {"cpu": 24, "memory_gib": 62.43, "installed_memory_gib": 64, "gpus": 1, "gpu_memory_gib": 23.99}
HALF = {"cpu": "6", "memory": "16Gi"}
ASKED = {"cpu": "500m", "memory": "4Gi"}
CARD = {"nvidia.com/gpu": 1}
SIZES = {
    "mergedOllamaBackend": {
        "ollama": {"resources": {"requests": {**ASKED, **CARD}, "limits": {**HALF, **CARD}}},
        "resources": {"requests": {**ASKED, **CARD}, "limits": {**HALF, **CARD}},
    }
}


@pytest.fixture
def helm() -> str:
    own = PROJECT / ".harvis/bin/helm"
    found = os.environ.get("HELM_BIN") or (str(own) if own.exists() else shutil.which("helm") or "")
    if not found:
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    return found


def gate() -> list[dict[str, t.Any]]:
    """The first play of site.yml up to the audit; of what follows, only the variables are there."""
    play = yaml.safe_load(SITE.read_text())[0]
    roles = [task.get("ansible.builtin.import_role", {}) for task in play["tasks"]]
    first = next(number for number, role in enumerate(roles) if role.get("tasks_from") == "audit")
    return [
        {
            **play,
            "tasks": [*play["tasks"][: first + 1], *({**task, "when": False} for task in play["tasks"][first + 1 :])],
        }
    ]


class Site:
    """Runs the gate of site.yml on a host whose figures are in a file."""

    def __init__(self, folder: Path, host: dict[str, t.Any], cache: Path, path: str) -> None:
        self.folder, self.cache, self.path = folder, cache, path
        self.sizes = folder / "out/harvis-prod-sizes.yaml"
        (folder / "site.yml").write_text(yaml.safe_dump(gate()))
        (folder / "group_vars").symlink_to(SITE.parent / "group_vars")
        (folder / "host.json").write_text(json.dumps({"release_host": host}))

    def run(self, *options: str, **settings: t.Any) -> subprocess.CompletedProcess[str]:
        given = {"harvis_output_root": str(self.folder / "out"), "harvis_cache_dir": str(self.cache)}
        program = str(Path(sys.executable).parent / "ansible-playbook")
        argv = [program, "site.yml", "-e", "@host.json", "-e", json.dumps({**given, **settings}), *options]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "PATH": self.path, "NO_COLOR": "1"}
        return subprocess.run(argv, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audits of the same charts and values find their maps again."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def site(tmp_path: Path, cache: Path, helm: str) -> t.Callable[[dict[str, t.Any]], Site]:
    path = f"{Path(helm).parent}{os.pathsep}{os.environ['PATH']}"
    return lambda host: Site(tmp_path, host, cache, path)


def test_what_would_change_is_shown_and_then_written_once(site: t.Callable[..., Site]) -> None:
    run = site(WORKSTATION)

    checked = run.run("--check", "--diff", "--skip-tags", "audit", release_share=0.5)
    assert ("changed=1" in checked.stdout, '+        cpu: "6"' in checked.stdout, run.sizes.exists()) == (
        True,
        True,
        False,
    )

    written = run.run(release_share=0.5)
    assert (written.returncode, "changed=1" in written.stdout) == (0, True), written.stdout
    assert yaml.safe_load(run.sizes.read_text()) == SIZES

    again = run.run("--skip-tags", "audit", release_share=0.5)
    assert (again.returncode, "changed=0" in again.stdout) == (0, True), again.stdout


def test_what_is_derived_is_audited_under_what_the_inventory_says(site: t.Callable[..., Site]) -> None:
    own = {"mergedOllamaBackend": {"resources": {"limits": {"memory": "3Gi"}}}}

    done = site(WORKSTATION).run(release_share=0.5, release_app_values=own)

    assert done.returncode != 0
    assert "RES-LIMIT" in done.stdout
    assert ("4Gi" in done.stdout, "3Gi" in done.stdout) == (True, True)


REFUSED = [
    pytest.param(
        {"gpus": 0}, {"release_gpus": 1}, "RES-SHARE", "asks for 2 nvidia.com/gpu, and the host offers 0", id="no-card"
    ),
    pytest.param(
        {"memory_gib": 1.9, "installed_memory_gib": 2}, {}, "RES-SHARE", "nothing is left beside the room", id="memory"
    ),
    pytest.param({}, {"harvis_model": "llama3:70b"}, "GPU-VRAM", "1 GPU with 23.99 GiB has 23.99 GiB", id="model"),
]


@pytest.mark.parametrize(("host", "settings", "code", "cause"), REFUSED)
def test_a_host_that_cannot_hold_it_changes_nothing(
    site: t.Callable[..., Site], host: dict[str, t.Any], settings: dict[str, t.Any], code: str, cause: str
) -> None:
    run = site({**WORKSTATION, **host})

    done = run.run(release_share=0.5, **settings)

    assert done.returncode != 0
    assert code in done.stdout
    assert cause in " ".join(done.stdout.split())
    assert ("changed=0" in done.stdout, run.sizes.exists()) == (True, False)
    assert "Audit the data services" not in done.stdout


@pytest.mark.parametrize(("card", "settings"), [({"gpus": 0, "gpu_memory_gib": 0}, {}), ({}, {"release_gpus": 0})])
def test_without_a_card_or_by_wish_the_cpu_is_used(
    site: t.Callable[..., Site], card: dict[str, t.Any], settings: dict[str, t.Any]
) -> None:
    run = site({**WORKSTATION, **card})

    done = run.run("--skip-tags", "audit", release_share=0.5, **settings)

    assert done.returncode == 0, done.stdout
    assert "nvidia.com" not in run.sizes.read_text()


def test_the_workstations_inventory_gives_the_pod_half_of_it(site: t.Callable[..., Site]) -> None:
    """A Ryzen 9 9900X with 64 GB and an RTX 4090: 1 to 12 of 24 threads, 8 to 32 of 64 GiB, and the card for both."""
    run = site(WORKSTATION)

    done = run.run("--inventory", str(PROJECT / "inventories/workstation"), "--skip-tags", "audit")

    assert done.returncode == 0, done.stdout
    assert yaml.safe_load(run.sizes.read_text()) == SIZES


def test_a_card_that_is_not_shared_goes_to_ollama_alone(site: t.Callable[..., Site]) -> None:
    run = site(WORKSTATION)

    done = run.run("--skip-tags", "audit", release_share=0.5, gpu_plugin_shares=1)

    assert done.returncode == 0, done.stdout
    merged = yaml.safe_load(run.sizes.read_text())["mergedOllamaBackend"]
    assert merged["ollama"]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "nvidia.com/gpu" not in merged["resources"]["limits"]


def test_nodes_that_nobody_knows_cannot_be_shared(site: t.Callable[..., Site]) -> None:
    run = site({})

    done = run.run(release_share=0.5, harvis_cluster_provider="existing")

    assert (done.returncode != 0, run.sizes.exists()) == (True, False)
    assert "say so in release_host" in " ".join(done.stdout.split())


def test_nothing_is_shared_unless_it_is_asked_for(site: t.Callable[..., Site]) -> None:
    run = site(WORKSTATION)

    done = run.run("--skip-tags", "audit")

    assert (done.returncode, "changed=0" in done.stdout, run.sizes.exists()) == (0, True, False), done.stdout
    assert "Work out the resources" not in done.stdout
