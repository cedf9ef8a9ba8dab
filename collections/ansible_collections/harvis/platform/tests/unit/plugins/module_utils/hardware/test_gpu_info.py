"""The module: what it returns, on recorded trees and on the host that runs the tests."""

from __future__ import annotations

import time
import typing as t

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import read_hardware
from ansible_collections.harvis.platform.plugins.modules import gpu_info
from ansible_collections.harvis.platform.tests.unit.fakes import run_main


def test_it_returns_what_it_documents(recorded: t.Any) -> None:
    result = run_main(gpu_info.main, {"root": str(recorded("ryzen-rtx4090").root)})

    assert set(result) - {"invocation"} == set(yaml.safe_load(gpu_info.RETURN)) | {"changed"}
    assert result["changed"] is False


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_host_without_a_gpu_is_no_failure(recorded: t.Any, check_mode: bool) -> None:
    """A recorded tree."""
    result = run_main(gpu_info.main, {"root": str(recorded("cpu-only").root)}, check_mode=check_mode)

    assert (result.get("failed", False), result["gpus"]) == (False, [])
    assert (result["first_failing_layer"], result["layer_reason"]) == ("pci", "no NVIDIA GPU is on the PCI bus")
    assert [finding["code"] for finding in result["findings"]] == ["GPU-PCI"]


def test_what_is_no_host_is_one_finding(tmp_path: t.Any) -> None:
    result = run_main(gpu_info.main, {"root": str(tmp_path)})

    assert (result["failed"], [finding["code"] for finding in result["findings"]]) == (True, ["PLB-INPUT"])


def test_held_packages_are_named(recorded: t.Any) -> None:
    host = recorded("ryzen-rtx4090")
    host.write("var/lib/dpkg/status", "Package: nvidia-driver\nStatus: hold ok installed\nVersion: 550.163.01-1\n")
    driver = run_main(gpu_info.main, {"root": str(host.root)})["driver"]

    assert (driver["held"], driver["installed"]) == (["nvidia-driver"], "550.163.01")


def test_this_host_is_looked_at_quickly() -> None:
    """Real: the host that runs the tests. The best of three, because others may be busy on it."""
    read_hardware()
    times = []
    for _ in range(3):
        started = time.perf_counter()
        read_hardware()
        times.append(time.perf_counter() - started)

    assert min(times) < 0.15
