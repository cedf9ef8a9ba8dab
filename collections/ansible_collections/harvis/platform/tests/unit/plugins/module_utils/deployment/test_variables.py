"""Misspelt variables and workers of an inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.deployment.variables import (
    Names,
    check_variables,
    check_workers,
    collection_names,
)

COLLECTION = Path(__file__).resolve().parents[5]
PROJECT = COLLECTION.parents[3]
NAMES = Names(("release_", "worker_images_"), frozenset({"release_share", "worker_images_source"}))


def test_only_what_begins_as_ours_is_looked_at() -> None:
    given = ["release_share", "release_shar", "my_share", "releases", "worker_images_"]
    assert NAMES.unknown(given) == ["release_shar", "worker_images_"]


def test_the_finding_names_file_line_and_what_was_meant(tmp_path: Path) -> None:
    folder = tmp_path / "group_vars"
    folder.mkdir()
    (folder / "harvis.yml").write_text("---\nrelease_share: 1\nrelease_shar: 0.5\n")
    (tmp_path / "hosts.ini").write_text("[harvis]\nhost\n[harvis:vars]\nrelease_shar=0.7\n")
    (finding,) = check_variables(NAMES, ["release_shar"], [tmp_path])
    assert (finding.code, finding.subject) == ("PLB-INPUT", f"{folder}/harvis.yml:3")
    assert finding.evidence == f"set in {folder}/harvis.yml:3, {tmp_path}/hosts.ini:4"
    assert finding.fix.startswith("Did you mean release_share?")


def test_what_stands_in_no_file_was_given_with_the_run(tmp_path: Path) -> None:
    (finding,) = check_variables(NAMES, ["release_xyzzy"], [tmp_path])
    assert (finding.subject, finding.evidence) == ("release_xyzzy", "set with -e or in the environment")
    assert finding.fix.startswith("Correct or remove it.")


def test_every_name_of_the_collection_is_known() -> None:
    names = collection_names(COLLECTION)
    defaults = {"release_share", "gpu_host_simulated_root", "harvis_data_dir", "verify_wait"}
    handed_over = {"base_images_python", "release_data", "topics_result", "gpu_plugin_nodes"}
    assert defaults | handed_over <= names.known
    assert names.unknown(names.known) == []


@pytest.mark.parametrize("inventory", sorted(path.name for path in (PROJECT / "inventories").iterdir()))
def test_the_projects_own_inventories_are_without_fault(inventory: str) -> None:
    import yaml

    files = (PROJECT / "inventories" / inventory).glob("*_vars/*.yml")
    given = {name for file in files for name in yaml.safe_load(file.read_text()) or {}}
    assert collection_names(COLLECTION).unknown(given) == []


def test_a_worker_that_the_chart_has_not(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("workers: {indexer: {}, resonance: {}}\n")
    assert check_workers(["indexer", "resonance"], tmp_path) == []
    (finding,) = check_workers(["indexer", "resonanse"], tmp_path)
    assert (finding.code, finding.cause) == ("PLB-INPUT", "the chart has no worker 'resonanse'")
    assert finding.fix == "Did you mean resonance?"
