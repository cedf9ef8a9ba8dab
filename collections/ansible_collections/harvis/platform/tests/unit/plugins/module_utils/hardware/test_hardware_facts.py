"""What is learnt of hosts: recorded trees, with and without simulated NVML."""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.hardware import nvml as nvml_module
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.memory import nominal, read_memory
from ansible_collections.harvis.platform.plugins.module_utils.hardware.pci import Gpu
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processor import Processor, read_processor

GIB = 1024**3
UUID = "GPU-6f1d2b8c-51c2-4d0e-9f55-0d6c3a7b9e10"
RTX_4090 = Gpu(
    "0000:01:00.0",
    "10de:2684",
    "NVIDIA GeForce RTX 4090",
    UUID,
    24564 * 1024**2,
    "nvidia",
    numa_node=0,
    minor=0,
    memory_free_bytes=(24564 - 482) * 1024**2,
    compute_capability="8.9",
    ecc="unsupported",
    mig="unsupported",
    persistence="enabled",
    power_limit_watts=450,
)


def test_a_workstation_with_its_driver(recorded: t.Any) -> None:
    host = recorded("ryzen-rtx4090")
    found = read_hardware(host.root, host.nvml)

    assert found.processor == Processor("AMD Ryzen 9 9900X 12-Core Processor", threads=24, cores=12, sockets=1)
    assert (found.memory.installed_bytes, found.memory.usable_bytes) == (64 * GIB, 65462516 * 1024)
    assert found.gpus == (RTX_4090,)
    assert (found.driver_version, found.cuda_version, found.not_checked) == ("550.163.01", "12.4", ())
    assert found.to_result()["host"] == {
        "cpu": 24,
        "memory_gib": 62.43,
        "installed_memory_gib": 64.0,
        "gpus": 1,
        "gpu_memory_gib": 23.99,
    }


def test_a_tree_alone_knows_all_but_memory_and_cuda(recorded: t.Any) -> None:
    found = read_hardware(recorded("ryzen-rtx4090").root)

    assert [(g.name, g.uuid, g.memory_bytes) for g in found.gpus] == [("NVIDIA GeForce RTX 4090", UUID, 0)]
    assert (found.driver_version, found.cuda_version) == ("550.163.01", "")
    assert found.to_result()["host"]["gpu_memory_gib"] == 0
    assert len(found.not_checked) == 1
    assert found.not_checked[0].startswith("memory of GPU 0000:01:00.0 is unknown: NVML answers only for the machine")


def test_a_host_without_gpus_has_nothing_unchecked(recorded: t.Any) -> None:
    host = recorded("cpu-only")
    found = read_hardware(host.root, host.nvml)

    assert (found.processor.threads, found.memory.installed_bytes) == (2, 24 * GIB)
    assert (found.gpus, found.driver_version, found.not_checked) == ((), "", ())


def test_gpus_are_found_before_any_driver(recorded: t.Any) -> None:
    found = read_hardware(recorded("two-gpus").root)

    assert [(g.address, g.name, g.kernel_driver) for g in found.gpus] == [
        ("0000:01:00.0", "GA102 [GeForce RTX 3090]", "nouveau"),
        ("0000:02:00.0", "AD102 [GeForce RTX 4090]", ""),
    ]
    assert found.memory.installed_bytes == 128 * GIB


def test_the_smallest_gpu_is_what_a_pod_can_count_on(recorded: t.Any) -> None:
    host = recorded("two-gpus")

    assert read_hardware(host.root, host.nvml).gpu_memory_bytes == 24564 * 1024**2


def test_a_gpu_that_fell_off_the_driver_is_said(recorded: t.Any) -> None:
    host = recorded("two-gpus")
    found = read_hardware(host.root, host.with_nvml(cards=host.description["cards"][:1]))

    assert len(found.gpus) == 2
    assert found.not_checked == ("GPU 0000:02:00.0 is on the PCI bus and unknown to the driver",)
    assert found.gpu_memory_bytes == 0


def test_a_driver_that_does_not_answer_is_said(recorded: t.Any) -> None:
    host = recorded("ryzen-rtx4090")
    found = read_hardware(host.root, host.with_nvml(init="unknown"))

    assert "NVML cannot be started: Unknown Error" in found.not_checked[0]
    assert found.gpus[0].name == "NVIDIA GeForce RTX 4090"


def test_nvml_is_shut_down_after_an_answer(recorded: t.Any) -> None:
    host = recorded("ryzen-rtx4090")
    read_hardware(host.root, host.nvml)

    with pytest.raises(host.nvml.NVMLError, match="Uninitialized"):
        host.nvml.nvmlDeviceGetCount()


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="this host has an NVIDIA driver of its own")
def test_a_missing_library_is_said() -> None:
    """Real: the host that runs the tests."""
    with pytest.raises(nvml_module.NvmlUnavailable, match=r"cannot be started: libnvidia-ml.so.1") as error:
        nvml_module.ask()

    assert error.value.code == nvml_module.LIBRARY_NOT_FOUND


def test_a_missing_binding_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml_module, "LIBRARY", None)
    monkeypatch.setitem(sys.modules, "pynvml", None)

    with pytest.raises(nvml_module.NvmlUnavailable, match="nvidia-ml-py is missing"):
        nvml_module.ask()


def test_the_real_binding_has_every_function_we_call() -> None:
    pynvml = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    called = set(re.findall(r"library\.(\w+)", Path(nvml_module.__file__).read_text()))

    assert {"nvmlInit", "NVMLError"} <= called
    assert called <= set(dir(pynvml))


def test_what_is_no_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarvisError, match="is no root of a Linux host"):
        read_hardware(tmp_path)


SOLD = [(62.43, 64), (30.9, 32), (15.5, 16), (7.7, 8), (23.5, 24), (94.1, 96), (125.6, 128), (503.5, 512), (24, 24)]


@pytest.mark.parametrize(("usable", "installed"), SOLD)
def test_memory_as_it_was_sold(usable: float, installed: int) -> None:
    assert nominal(int(usable * GIB)) == installed * GIB


def test_offline_memory_does_not_count(recorded: t.Any) -> None:
    root = recorded("cpu-only").root
    (root / "sys/devices/system/memory/memory191/state").write_text("offline\n")

    assert read_memory(root).installed_bytes == 24 * GIB - 128 * 1024**2


def test_a_processor_without_topology(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n\nHardware\t: x\n"
    )

    assert read_processor(tmp_path) == Processor("", threads=2, cores=2, sockets=1)
