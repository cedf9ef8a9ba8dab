"""A host with cards that it does not have: what reads hosts, and NVML over the same tree, see the same."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.layers import diagnose, first_failing_layer
from ansible_collections.harvis.platform.plugins.module_utils.hardware.simulation import end_simulation, simulate

NO_CARD = Path("/nonexistent")


@pytest.fixture
def root(tmp_path: Path, described: t.Any) -> Path:
    simulate(tmp_path / "tree", described("two-cards"), host=NO_CARD)
    return tmp_path / "tree"


def codes(root: Path) -> list[str]:
    return [finding.code for finding in diagnose(read_hardware(root))]


def test_the_cards_are_read_as_any_hosts(root: Path) -> None:
    found = read_hardware(root)

    assert [gpu.name for gpu in found.gpus] == ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4090"]
    assert (found.driver.loaded, found.driver.library) == ("550.163.01", "550.163.01")
    assert (first_failing_layer(found).name, codes(root)) == ("none", [])
    assert found.processor == read_hardware(Path("/")).processor


def test_a_fault_in_the_tree_is_one_for_the_host_and_for_nvml(
    root: Path, simulated_nvml: t.Any, described: t.Any
) -> None:
    """Simulated NVML and its tree."""
    nvml = simulated_nvml.binding({**described("two-cards"), "root": str(root)})
    (root / "sys/module/nvidia/version").write_text("550.127.05\n")

    assert codes(root) == ["DRV-MISMATCH"]
    with pytest.raises(nvml.NVMLError_LibRmVersionMismatch):
        nvml.nvmlInit()


def test_a_card_that_the_log_has_lost(root: Path) -> None:
    (root / "dev/kmsg").write_text("3,1,1,-;NVRM: Xid (PCI:0000:02:00): 79, GPU has fallen off the bus.\n")

    (finding,) = diagnose(read_hardware(root))
    assert (finding.code, "RTX 4090" in finding.subject) == ("GPU-LOST", True)


def test_making_it_again_changes_nothing_and_takes_faults_back(root: Path, described: t.Any) -> None:
    assert simulate(root, described("two-cards"), host=NO_CARD) == []

    (root / "sys/module/nvidia/version").write_text("550.127.05\n")
    (root / "proc").unlink()
    expected = ["sys/module/nvidia/version", "proc"]
    assert simulate(root, described("two-cards"), host=NO_CARD, dry=True) == expected
    assert simulate(root, described("two-cards"), host=NO_CARD) == expected
    assert codes(root) == []


@pytest.mark.fault(code="DRV-SIMULATED", by="recorded tree")
def test_it_is_refused_beside_a_card(recorded: t.Any, described: t.Any, tmp_path: Path) -> None:
    """Recorded tree: the host itself has a card."""
    host = recorded("ryzen-rtx4090")
    with pytest.raises(HarvisError, match=r"DRV-SIMULATED[\s\S]*RTX 4090 at 0000:01:00.0"):
        simulate(tmp_path / "tree", described("rtx-4090"), host=host.root)

    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize("description", [{}, {"driver": "550.163.01", "cards": []}])
def test_a_description_of_nothing_is_refused(tmp_path: Path, description: dict[str, t.Any]) -> None:
    with pytest.raises(HarvisError, match="PLB-INPUT description: names no driver or no card"):
        simulate(tmp_path / "tree", description, host=NO_CARD)


def test_removal_leaves_nothing_and_touches_no_other_folder(root: Path, tmp_path: Path) -> None:
    assert end_simulation(root, dry=True) == [str(root)]
    assert (end_simulation(root), end_simulation(root)) == ([str(root)], [])
    assert list(tmp_path.iterdir()) == []
    assert Path("/proc/self").exists()

    other = tmp_path / "other"
    other.mkdir()
    (other / "README").write_text("mine")
    assert end_simulation(other) == []
    assert (other / "README").exists()
