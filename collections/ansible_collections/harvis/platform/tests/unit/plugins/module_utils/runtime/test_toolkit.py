"""The toolkit, CDI specifications and RuntimeClasses (recorded trees, and programs of the test's own)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.cdi import (
    CdiSpec,
    ensure_cdi,
    list_cdi,
    remove_cdi,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.runtime_class import runtime_class_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toolkit import (
    Toolkit,
    read_toolkit,
    toolkit_findings,
)
from ansible_collections.harvis.platform.plugins.modules import nvidia_container_runtime
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner, run_main

BINARY = "usr/bin/nvidia-container-runtime"
# As dpkg keeps it: a removed package stays listed while its configuration files do.
STATUS = """\
Package: libc6
Status: install ok installed
Version: 2.36-9

Package: nvidia-container-toolkit
Status: {status}
Version: 1.18.0-1
Description: NVIDIA Container toolkit
 Provides tools: x
"""
CDI = "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: '0'\n- name: all\n"


def tree(root: Path, *, status: str = "", mode: int = 0) -> Path:
    """A recorded tree with dpkg's database and the runtime's program."""
    (root / "var/lib/dpkg").mkdir(parents=True)
    if status:
        (root / "var/lib/dpkg/status").write_text(STATUS.format(status=status))
    if mode:
        (root / BINARY).parent.mkdir(parents=True)
        (root / BINARY).write_text("#!/bin/sh\n")
        (root / BINARY).chmod(mode)
    return root


def test_a_toolkit_from_its_package(tmp_path: Path) -> None:
    """Recorded tree."""
    root = tree(tmp_path, status="install ok installed", mode=0o755)

    assert read_toolkit(Handler(), root) == Toolkit(Path(f"/{BINARY}"), True, "1.18.0-1")
    assert toolkit_findings(Handler(), root) == []


MISSING: dict[str, tuple[dict[str, t.Any], str, str]] = {
    "nothing": ({}, "is not there", "no package nvidia-container-toolkit either"),
    "package only": ({"status": "hold ok installed"}, "is not there", "toolkit 1.18.0-1 is installed"),
    "removed": ({"status": "deinstall ok config-files"}, "is not there", "no package"),
    "half": ({"status": "install ok half-configured", "mode": 0o644}, "is not an executable file", "no package"),
}


@pytest.mark.fault(code="RUN-TOOLKIT", by="recorded tree")
@pytest.mark.parametrize(("found", "cause", "evidence"), MISSING.values(), ids=MISSING)
def test_a_toolkit_that_is_missing(tmp_path: Path, found: dict[str, t.Any], cause: str, evidence: str) -> None:
    """Recorded tree."""
    (finding,) = toolkit_findings(Handler(), tree(tmp_path, **found))

    assert (finding.code, finding.subject) == ("RUN-TOOLKIT", f"/{BINARY}")
    assert cause in finding.cause
    assert evidence in finding.evidence


@pytest.mark.fault(code="RUN-TOOLKIT", by="real")
def test_the_module_tells_no_daemon_of_a_program_that_is_not_there(tmp_path: Path) -> None:
    """Real: the module's own main."""
    config = tmp_path / "daemon.json"
    options = {"daemon": "docker", "config": str(config), "binary": str(tmp_path / "none"), "restart": False}

    said = run_main(nvidia_container_runtime.main, options)

    assert (said["failed"], [f["code"] for f in said["findings"]]) == (True, ["RUN-TOOLKIT"])
    assert not config.exists()


def test_the_module_adds_and_removes(tmp_path: Path) -> None:
    """Real: the module's own main, with a file and no daemon."""
    config = tmp_path / "daemon.json"
    options = {
        "daemon": "docker",
        "config": str(config),
        "socket": str(tmp_path / "s"),
        "binary": "/bin/true",
        "restart": False,
    }

    planned = run_main(nvidia_container_runtime.main, options, check_mode=True)
    assert (planned["changed"], config.exists()) == (True, False)
    done = run_main(nvidia_container_runtime.main, options)
    assert (done["changed"], done["restarted"], done["restart_required"]) == (True, False, f"{config} was changed")
    assert '"/bin/true"' in config.read_text()
    assert run_main(nvidia_container_runtime.main, options)["changed"] is False
    gone = run_main(nvidia_container_runtime.main, {**options, "state": "absent"})
    assert (gone["changed"], list(tmp_path.iterdir())) == (True, [])
    assert run_main(nvidia_container_runtime.main, {**options, "state": "absent"})["changed"] is False


def test_a_specification_is_made_kept_and_made_anew_when_the_driver_changed(tmp_path: Path) -> None:
    """Recorded answer of ``nvidia-ctk cdi generate``."""
    path = tmp_path / "etc/cdi/nvidia.yaml"
    runner = FakeRunner({("nvidia-ctk",): CDI})

    assert (ensure_cdi(path, runner, dry=True), path.exists()) == (True, False)
    assert [ensure_cdi(path, runner), ensure_cdi(path, runner)] == [True, False]
    assert list_cdi(tmp_path) == [CdiSpec(path, "nvidia.com/gpu", ("0", "all"))]
    assert ensure_cdi(path, FakeRunner({("nvidia-ctk",): CDI + "- name: '1'\n"})) is True
    assert (remove_cdi(path, dry=True), path.exists()) == (True, True)
    assert [remove_cdi(path), remove_cdi(path), path.exists()] == [True, False, False]


def test_a_specification_that_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "nvidia.yaml"

    with pytest.raises(HarvisError, match="cannot describe the GPUs") as caught:
        ensure_cdi(path, FakeRunner({("nvidia-ctk",): 1}))

    assert [f.code for f in caught.value.findings] == ["RUN-TOOLKIT"]
    assert not path.exists()


OTHERS = {
    "another maker's": "cdiVersion: 0.5.0\nkind: vendor.example/nic\ndevices: []\n",
    "no YAML": "{",
    "no mapping": "- 1\n",
    "no kind": "devices: []\n",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "nvidia.yaml"
    path.write_text(text)

    assert (remove_cdi(path), path.read_text()) == (False, text)


def pod(name: str, runtime_class: str = "", *, gpu: bool = True) -> dict[str, t.Any]:
    resources = {"limits": {"nvidia.com/gpu": "1"}} if gpu else {}
    spec = {"containers": [{"name": "c", "resources": resources}]}
    return {
        "metadata": {"name": name, "namespace": "ai"},
        "spec": {**spec, **({"runtimeClassName": runtime_class} if runtime_class else {})},
    }


CLASSES = [
    {"metadata": {"name": "nvidia"}, "handler": "nvidia"},
    {"metadata": {"name": "kata"}, "handler": "kata-qemu"},
]
PODS = {
    "no class": (pod("ollama"), "names no runtimeClassName, and nvidia is not the node's default runtime"),
    "a class that is not there": (pod("ollama", "gpu"), "names the RuntimeClass gpu, which does not exist"),
    "another handler": (pod("ollama", "kata"), "whose handler is kata-qemu and not nvidia"),
    "the class": (pod("ollama", "nvidia"), ""),
    "no GPU": (pod("web", gpu=False), ""),
}


@pytest.mark.fault("F07", code="RUN-CLASS", when="plan; after deploy", by="recorded cluster")
@pytest.mark.parametrize(("asked", "cause"), PODS.values(), ids=PODS)
def test_a_pod_comes_to_run_under_the_runtime(asked: dict[str, t.Any], cause: str) -> None:
    """Recorded objects: the toolkit is there and runc is the default, as ``nvidia-ctk`` leaves it."""
    effective = Effective({"runc": "", "nvidia": "/usr/bin/nvidia-container-runtime"}, "runc")

    findings = runtime_class_findings(effective, Handler(), CLASSES, [asked])

    assert [(f.code, f.subject) for f in findings] == ([("RUN-CLASS", "ai/Pod/ollama")] if cause else [])
    assert all(cause in f.cause for f in findings)


def test_with_the_default_no_class_is_needed() -> None:
    assert runtime_class_findings(Effective({}, "nvidia"), Handler(), [], [pod("ollama")]) == []
