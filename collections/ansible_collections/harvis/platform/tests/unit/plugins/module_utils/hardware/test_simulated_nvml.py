"""The library that stands in for silicon answers what the device plugin and nvidia-ml-py ask, as NVIDIA's would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[9]
BUILD = PROJECT / "tools/nvml/build"
DESCRIPTIONS = sorted(path.stem for path in (PROJECT / "tools/nvml/descriptions").glob("*.json"))
GPU_INFO = """
import sys
sys.path.insert(0, sys.argv[1])
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.modules import gpu_info
with patch_module_args({}):
    gpu_info.main()
"""


@pytest.fixture
def two_cards(simulated_nvml: t.Any, described: t.Any) -> t.Any:
    nvml = simulated_nvml.binding(described("two-cards"))
    nvml.nvmlInit()
    return nvml


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_every_description_builds(simulated_nvml: t.Any, described: t.Any, name: str) -> None:
    assert simulated_nvml.library(described(name)).stat().st_size > 0


def test_a_card_is_found_by_each_of_its_names(two_cards: t.Any) -> None:
    by_index = two_cards.nvmlDeviceGetHandleByIndex(1)
    uuid = two_cards.nvmlDeviceGetUUID(by_index)
    pci = two_cards.nvmlDeviceGetPciInfo(by_index)

    assert (pci.busId, pci.pciDeviceId, pci.bus) == ("00000000:02:00.0", 0x268410DE, 2)
    for handle in (
        two_cards.nvmlDeviceGetHandleByUUID(uuid.encode()),
        two_cards.nvmlDeviceGetHandleByPciBusId(b"0000:02:00.0"),
        two_cards.nvmlDeviceGetHandleByPciBusId(pci.busId.encode()),
    ):
        assert two_cards.nvmlDeviceGetIndex(handle) == 1
    with pytest.raises(two_cards.NVMLError_NotFound):
        two_cards.nvmlDeviceGetHandleByUUID(b"GPU-of-another-host")
    with pytest.raises(two_cards.NVMLError_InvalidArgument):
        two_cards.nvmlDeviceGetHandleByIndex(2)


def test_memory_in_both_forms(two_cards: t.Any) -> None:
    handle = two_cards.nvmlDeviceGetHandleByIndex(0)
    first = two_cards.nvmlDeviceGetMemoryInfo(handle)
    second = two_cards.nvmlDeviceGetMemoryInfo(handle, two_cards.nvmlMemory_v2)

    assert (first.total, first.used) == (24576 << 20, 1 << 20)
    assert (first.total, first.free, first.used) == (second.total, second.free, second.used)


def test_versions_and_what_a_geforce_card_has_not(two_cards: t.Any) -> None:
    handle = two_cards.nvmlDeviceGetHandleByIndex(0)

    assert two_cards.nvmlSystemGetDriverVersion() == "550.163.01"
    assert two_cards.nvmlSystemGetNVMLVersion() == "12.550.163.01"
    assert two_cards.nvmlSystemGetCudaDriverVersion() == 12040
    for question in (two_cards.nvmlDeviceGetMigMode, two_cards.nvmlDeviceGetEccMode):
        with pytest.raises(two_cards.NVMLError_NotSupported):
            question(handle)


def test_nothing_is_answered_before_the_start_and_after_the_end(two_cards: t.Any) -> None:
    two_cards.nvmlShutdown()

    with pytest.raises(two_cards.NVMLError_Uninitialized):
        two_cards.nvmlDeviceGetCount()
    with pytest.raises(two_cards.NVMLError_Uninitialized):
        two_cards.nvmlShutdown()


def xid(address: str, number: int) -> str:
    """As NVIDIA's driver writes it into the kernel's log."""
    return f"3,1489,91234570,-;NVRM: Xid (PCI:{address}): {number}, pid='<unknown>', name=<unknown>"


def test_events_of_others_and_of_the_past_are_not_told(
    simulated_nvml: t.Any, described: t.Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "dev/kmsg"
    log.parent.mkdir()
    log.write_text(xid("0000:01:00", 31) + "\n")
    monkeypatch.setenv("SIMULATED_NVML_ROOT", str(tmp_path))
    nvml = simulated_nvml.binding(described("two-cards"))
    nvml.nvmlInit()
    waiting = nvml.nvmlEventSetCreate()
    card = nvml.nvmlDeviceGetHandleByIndex(0)
    nvml.nvmlDeviceRegisterEvents(card, nvml.nvmlDeviceGetSupportedEventTypes(card), waiting)

    with log.open("a") as more:
        more.write(xid("0000:02:00", 48) + "\n" + xid("0000:09:00", 48) + "\n" + xid("0000:01:00", 6))
    started = time.monotonic()
    with pytest.raises(nvml.NVMLError_Timeout):
        nvml.nvmlEventSetWait_v2(waiting, 100)
    assert time.monotonic() - started >= 0.1

    with log.open("a") as more:
        more.write("\n")
    event = nvml.nvmlEventSetWait_v2(waiting, 1000)
    assert (event.eventType, event.eventData) == (nvml.nvmlEventTypeXidCriticalError, 6)
    nvml.nvmlEventSetFree(waiting)


def test_it_works_with_the_module_of_its_own_version_alone(
    simulated_nvml: t.Any, described: t.Any, tmp_path: Path
) -> None:
    loaded = tmp_path / "sys/module/nvidia/version"
    loaded.parent.mkdir(parents=True)
    loaded.write_text("550.163.01\n")
    nvml = simulated_nvml.binding({**described("rtx-4090"), "root": str(tmp_path)})
    nvml.nvmlInit()
    nvml.nvmlShutdown()

    loaded.write_text("550.127.05\n")
    with pytest.raises(nvml.NVMLError_LibRmVersionMismatch):
        nvml.nvmlInit()


def test_a_description_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps({"driver": "1.2", "cuda": "12.4", "card": []}))
    done = subprocess.run([sys.executable, str(BUILD), str(path)], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr.strip()) == (1, "unknown in the description: card")


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="this host has an NVIDIA driver of its own")
def test_the_module_finds_the_library_as_programs_do(simulated_nvml: t.Any, described: t.Any) -> None:
    """Simulated NVML: the whole module in a process of its own, on this host, with nothing put in its place."""
    library = simulated_nvml.library(described("rtx-4090"))
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    argv = [sys.executable, "-c", GPU_INFO, str(PROJECT / "collections")]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library.parent)}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=60, check=True)
    result = json.loads(done.stdout)

    assert (result["gpus"][0]["uuid"], result["gpus"][0]["lost"]) == ("GPU-6f1d2b8c-51c2-4d0e-9f55-0d6c3a7b9e10", False)
    assert (result["first_failing_layer"], result["cuda_version"], result["changed"]) == ("none", "12.4", False)
