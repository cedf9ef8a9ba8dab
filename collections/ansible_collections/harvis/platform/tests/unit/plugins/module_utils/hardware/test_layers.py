"""Which layer fails first, and what is said of it: recorded trees, and simulated NVML through the real binding."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.hardware.driver import Driver, library_version
from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.layers import diagnose, first_failing_layer
from ansible_collections.harvis.platform.plugins.module_utils.hardware.processes import GpuProcess, pod_of

LIBRARY = "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"
VERSIONED = "usr/lib/x86_64-linux-gnu/nvidia/current/libnvidia-ml.so."
POD = "5b1f7c3e-0c52-4f0a-9a5e-3d1c2b4a6f70"
SLICES = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-containerd-0f.scope"


def said(host: t.Any, nvml: t.Any = None, **options: t.Any) -> tuple[str, list[str]]:
    """The first layer that fails, and the codes of what is found."""
    found = read_hardware(host.root, nvml)
    return first_failing_layer(found).name, [finding.code for finding in diagnose(found, **options)]


@pytest.fixture
def workstation(recorded: t.Any) -> t.Any:
    """A recorded tree in which everything is as it should be."""
    host = recorded("ryzen-rtx4090")
    host.link(LIBRARY, "/etc/alternatives/glx--libnvidia-ml.so.1")
    host.link("etc/alternatives/glx--libnvidia-ml.so.1", f"/{VERSIONED}550.163.01")
    return host


def without_module(host: t.Any) -> None:
    for path in ("sys/module/nvidia/version", "proc/driver/nvidia/version"):
        (host.root / path).unlink()
    host.write("sys/bus/pci/devices/0000:01:00.0/uevent", "PCI_SLOT_NAME=0000:01:00.0\n")


def test_a_healthy_workstation(workstation: t.Any) -> None:
    assert said(workstation) == ("none", [])
    assert said(workstation, workstation.nvml) == ("none", [])


@pytest.mark.fault(code="GPU-PCI", by="recorded tree")
def test_no_card_on_the_bus(recorded: t.Any) -> None:
    assert said(recorded("cpu-only")) == ("pci", ["GPU-PCI"])


@pytest.mark.fault(code="GPU-DRIVER", by="recorded tree")
def test_a_card_without_any_driver(workstation: t.Any) -> None:
    """A recorded tree, as a host is before its first driver."""
    without_module(workstation)
    (finding,) = diagnose(read_hardware(workstation.root))

    assert said(workstation) == ("module", ["GPU-DRIVER"])
    assert finding.subject == "GPU 0000:01:00.0 (NVIDIA GeForce RTX 4090)"
    assert (finding.cause, "gpu_host" in finding.fix) == ("has no driver", True)


@pytest.mark.fault(code="GPU-DRIVER", by="recorded tree")
def test_a_driver_that_is_installed_and_not_loaded(workstation: t.Any) -> None:
    without_module(workstation)
    workstation.write(
        "var/lib/dpkg/status",
        "Package: nvidia-driver\nStatus: install ok installed\nVersion: 535.261.03-1~deb12u1\n\n",
    )
    (finding,) = diagnose(read_hardware(workstation.root))

    assert "has no driver loaded, although 535.261.03 is installed" in str(finding)
    assert "modprobe nvidia" in finding.fix


@pytest.mark.fault(code="GPU-DRIVER", by="recorded tree")
def test_a_card_that_the_loaded_driver_does_not_take(workstation: t.Any) -> None:
    workstation.write("sys/bus/pci/devices/0000:01:00.0/uevent", "PCI_SLOT_NAME=0000:01:00.0\n")
    (finding,) = diagnose(read_hardware(workstation.root))

    assert finding.code == "GPU-DRIVER"
    assert "is not taken by the loaded driver 550.163.01" in finding.cause


@pytest.mark.fault(code="GPU-DRIVER", by="recorded tree")
def test_a_card_kept_for_a_virtual_machine(workstation: t.Any) -> None:
    workstation.write("sys/bus/pci/devices/0000:01:00.0/uevent", "DRIVER=vfio-pci\n")
    (finding,) = diagnose(read_hardware(workstation.root))

    assert (finding.code, "vfio-pci for virtual machines" in finding.cause) == ("GPU-DRIVER", True)


@pytest.mark.fault(code="GPU-NOUVEAU", by="recorded tree")
def test_nouveau_holds_the_card(recorded: t.Any) -> None:
    """A recorded tree: one card is held by nouveau, the other by nobody."""
    assert said(recorded("two-gpus")) == ("module", ["GPU-NOUVEAU", "GPU-DRIVER"])


def test_a_module_without_its_library(workstation: t.Any) -> None:
    (workstation.root / LIBRARY).unlink()

    assert said(workstation) == ("library", [])


@pytest.mark.fault("F01", code="DRV-MISMATCH", when="plan", by="recorded tree")
def test_a_library_that_was_upgraded_under_the_loaded_module(workstation: t.Any) -> None:
    """A recorded tree: the versions are compared without asking anything that runs."""
    (workstation.root / "etc/alternatives/glx--libnvidia-ml.so.1").unlink()
    workstation.link("etc/alternatives/glx--libnvidia-ml.so.1", f"/{VERSIONED}550.183.06")
    workstation.write(f"{VERSIONED}550.183.06")
    (finding,) = diagnose(read_hardware(workstation.root))

    assert finding.code == "DRV-MISMATCH"
    assert "module 550.163.01 is loaded and library 550.183.06 is installed" in finding.cause
    assert finding.evidence == "sys/module/nvidia/version 550.163.01, libnvidia-ml.so 550.183.06"


@pytest.mark.fault("F01", code="DRV-MISMATCH", when="continuous", by="simulated NVML")
def test_nvml_says_that_versions_differ(workstation: t.Any) -> None:
    """Simulated NVML: the library cannot be started, as on such a host."""
    nvml = workstation.with_nvml(init="version-mismatch")

    assert said(workstation, nvml) == ("nvml", ["DRV-MISMATCH"])
    (finding,) = diagnose(read_hardware(workstation.root, nvml))
    assert "version mismatch" in finding.evidence


def two_cards(recorded: t.Any) -> t.Any:
    host = recorded("two-gpus")
    for address in ("0000:01:00.0", "0000:02:00.0"):
        host.write(f"sys/bus/pci/devices/{address}/uevent", "DRIVER=nvidia\n")
    return host


@pytest.mark.fault("F05", code="GPU-LOST", when="continuous", by="simulated NVML")
def test_a_card_that_fell_off_the_bus(recorded: t.Any, simulated_nvml: t.Any, described: t.Any) -> None:
    """Simulated NVML: the second card answers every question with "GPU is lost"; the first goes on."""
    host = two_cards(recorded)
    nvml = simulated_nvml.binding(described("fallen-off"))
    found = read_hardware(host.root, nvml)
    (finding,) = diagnose(found)

    assert [(gpu.compute_capability, gpu.lost) for gpu in found.gpus] == [("8.6", False), ("", True)]
    assert first_failing_layer(found).name == "nvml"
    assert (finding.code, finding.subject) == ("GPU-LOST", "GPU 0000:02:00.0 (AD102 [GeForce RTX 4090])")
    assert "NVML says of card 1: GPU is lost" in finding.evidence


@pytest.mark.fault("F05", code="GPU-LOST", when="continuous", by="simulated NVML")
def test_a_card_that_is_taken_away_while_it_is_watched(
    recorded: t.Any, simulated_nvml: t.Any, described: t.Any
) -> None:
    """Simulated NVML: an Xid 79 is told to who waits, and the next look finds the card lost."""
    host = two_cards(recorded)
    host.write("dev/kmsg")
    nvml = simulated_nvml.binding({**described("two-cards"), "root": str(host.root)})
    nvml.nvmlInit()
    waiting = nvml.nvmlEventSetCreate()
    nvml.nvmlDeviceRegisterEvents(nvml.nvmlDeviceGetHandleByIndex(1), nvml.nvmlEventTypeXidCriticalError, waiting)
    assert said(host, nvml) == ("none", [])

    host.write("dev/kmsg", "3,1489,91234570,-;NVRM: Xid (PCI:0000:02:00): 79, GPU has fallen off the bus.\n")
    assert nvml.nvmlEventSetWait_v2(waiting, 1000).eventData == 79
    assert said(host, nvml) == ("nvml", ["GPU-LOST"])

    host.write("dev/kmsg")
    assert said(host, nvml) == ("none", [])


KERNEL_LOG = """\
6,1201,9034512,-;NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025
3,1460,81234567,-;NVRM: Xid (PCI:0000:01:00): 31, pid=4711, name=python3, Ch 00000008, intr 00000000. MMU Fault
3,1488,91234567,-;NVRM: GPU at PCI:0000:01:00: GPU-6f1d2b8c-51c2-4d0e-9f55-0d6c3a7b9e10
3,1489,91234570,-;NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.
"""


@pytest.mark.fault("F05", code="GPU-LOST", when="continuous", by="recorded tree")
def test_the_kernels_log_tells_where_nvml_does_not(workstation: t.Any) -> None:
    """A recorded tree with the log of a host whose only card fell off, so that NVML does not answer either."""
    workstation.write("dev/kmsg", KERNEL_LOG)
    (finding,) = diagnose(read_hardware(workstation.root))

    assert finding.code == "GPU-LOST"
    assert finding.evidence.startswith("Xid 31 in the kernel's log; Xid 79 in the kernel's log; ")
    assert said(workstation) == ("nvml", ["GPU-LOST"])


def test_a_card_that_answers_is_not_lost_whatever_the_log_has(workstation: t.Any) -> None:
    """Simulated NVML over the same tree."""
    workstation.write("dev/kmsg", KERNEL_LOG)
    found = read_hardware(workstation.root, workstation.nvml)

    assert (found.gpus[0].xids, diagnose(found)) == ((31, 79), [])


def busy(host: t.Any, pid: int, name: str, cgroup: str, mib: int = 6144, kind: str = "compute") -> dict[str, t.Any]:
    host.write(f"proc/{pid}/comm", f"{name}\n")
    host.write(f"proc/{pid}/cgroup", f"0::{cgroup}\n")
    return {"pid": pid, "name": f"/usr/bin/{name}", "mib": mib, "kind": kind}


def with_processes(host: t.Any, *processes: dict[str, t.Any]) -> t.Any:
    return host.with_nvml(cards=[{**host.description["cards"][0], "processes": list(processes)}])


@pytest.mark.fault(code="GPU-TENANT", by="simulated NVML")
def test_memory_taken_outside_kubernetes(workstation: t.Any) -> None:
    """Simulated NVML tells the processes; who they are is read from the recorded tree."""
    nvml = with_processes(
        workstation,
        busy(workstation, 4711, "ollama", "/system.slice/ollama.service"),
        busy(workstation, 4712, "gnome-shell", "/user.slice/user-1000.slice", mib=310, kind="graphics"),
        busy(workstation, 4713, "python3", SLICES.format(POD.replace("-", "_"))),
    )
    found = read_hardware(workstation.root, nvml)
    (finding,) = diagnose(found)

    assert found.gpus[0].processes == (
        GpuProcess(4711, "ollama", 6144 * 1024**2, "compute", ""),
        GpuProcess(4712, "gnome-shell", 310 * 1024**2, "graphics", ""),
        GpuProcess(4713, "python3", 6144 * 1024**2, "compute", POD),
    )
    assert (finding.code, finding.subject) == ("GPU-TENANT", "GPU 0000:01:00.0")
    assert "6144 MiB of its memory are taken by ollama (pid 4711), which runs outside Kubernetes" in finding.cause
    assert finding.evidence == "24082 MiB of 24564 MiB are free"


@pytest.mark.fault("F12", code="GPU-TENANT", when="after deploy", by="simulated NVML")
def test_a_pod_that_uses_a_card_nobody_granted_it(workstation: t.Any) -> None:
    """Simulated NVML tells the process, the recorded tree its pod."""
    nvml = with_processes(workstation, busy(workstation, 4713, "python3", SLICES.format(POD.replace("-", "_"))))
    (finding,) = diagnose(read_hardware(workstation.root, nvml), gpu_pods=["another"])

    assert said(workstation, nvml, gpu_pods=[POD]) == ("none", [])
    assert finding.code == "GPU-TENANT"
    assert f"belongs to pod {POD}, which was granted no GPU" in finding.cause


def test_a_process_that_ended_meanwhile_keeps_nvmls_name(workstation: t.Any) -> None:
    nvml = with_processes(workstation, {"pid": 4711, "name": "/usr/bin/blender", "mib": 900})

    assert read_hardware(workstation.root, nvml).gpus[0].processes[0].name == "blender"


STATIC_POD = "72cddc5c512f5f135f1e9bc02ce0d750"
CGROUPS = [
    ("the driver systemd", f"0::{SLICES.format(POD.replace('-', '_'))}", POD),
    ("the driver cgroupfs", f"0::/kubepods/besteffort/pod{POD}/0f1e", POD),
    ("version 1, in a container", f"9:name=systemd:/docker/1ba5/kubepods/burstable/pod{STATIC_POD}/22b7", STATIC_POD),
    ("guaranteed", f"0::/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/crio-0f.scope", POD),
    ("Docker alone", "0::/system.slice/docker-0f1e.scope", ""),
    ("a user's session", "0::/user.slice/user-1000.slice/session-2.scope", ""),
    ("a process that ended", "", ""),
]


@pytest.mark.parametrize(("cgroup", "pod"), [row[1:] for row in CGROUPS], ids=[row[0] for row in CGROUPS])
def test_the_pod_of_a_process(cgroup: str, pod: str) -> None:
    assert pod_of(cgroup) == pod


def test_a_data_centre_card(workstation: t.Any, simulated_nvml: t.Any, described: t.Any) -> None:
    """Simulated NVML; the card is not on the recorded bus, as in a container that sees no bus."""
    *_, card = read_hardware(workstation.root, simulated_nvml.binding(described("a100-mig"))).gpus

    assert (card.name, card.compute_capability) == ("NVIDIA A100-PCIE-40GB", "8.0")
    assert (card.ecc, card.mig, card.persistence, card.power_limit_watts) == ("enabled", "enabled", "enabled", 250)


def test_the_library_is_read_off_its_links(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib64"
    folder.mkdir(parents=True)
    assert library_version(tmp_path) == ""

    (folder / "libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.570.133.07")
    assert library_version(tmp_path) == "", "the link leads nowhere"

    (folder / "libnvidia-ml.so.570.133.07").touch()
    assert library_version(tmp_path) == "570.133.07"


OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.261.03  Release Build  (archlinux-builder)\n"


def test_the_flavour_of_the_loaded_module(workstation: t.Any) -> None:
    assert read_hardware(workstation.root).driver == Driver("550.163.01", "proprietary", "", "550.163.01")

    (workstation.root / "sys/module/nvidia/version").unlink()
    workstation.write("proc/driver/nvidia/version", OPEN)
    driver = read_hardware(workstation.root).driver
    assert (driver.loaded, driver.flavour) == ("535.261.03", "open")
