"""A simulated card, offered by NVIDIA's device plugin and the real kubelet; then faults, as `make verify` sees them.

Only the silicon is missing: the library that answers for it takes its faults from a tree of files on the machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
OUTPUT = PROJECT / ".harvis" / "molecule"
EVIDENCE = OUTPUT / "evidence.json"
MACHINE = "/var/lib/harvis/simulated-gpus"
NAMESPACE = "nvidia-device-plugin"
UUID = json.loads((PROJECT / "tools/nvml/descriptions/rtx-4090.json").read_text())["cards"][0]["uuid"]


def kubectl(*arguments: str, stdin: str = "") -> str:
    argv = [OUTPUT / "bin" / "kubectl", "--kubeconfig", OUTPUT / "kubeconfig", *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True, input=stdin).stdout


def verify() -> tuple[str, dict[str, str]]:
    """What a person would run, where it must fail: what it said, and the evidence of checks of cards that failed."""
    argv = ["ansible-playbook", "-i", f"{os.environ['MOLECULE_EPHEMERAL_DIRECTORY']}/inventory", "playbooks/verify.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}
    done = subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2, done.stdout
    failed = [row for row in json.loads(EVIDENCE.read_text()) if not row["passed"]]
    return done.stdout, {row["check"]: row["evidence"] for row in failed if row["check"].startswith("gpu")}


@pytest.fixture
def machine(host):
    """The machine, with its cards as they were afterwards."""
    plugin = kubectl("get", "daemonset", "--namespace", NAMESPACE, NAMESPACE, "--output", "json")
    kept = json.loads(plugin)
    kept["metadata"] = {key: kept["metadata"][key] for key in ("name", "namespace", "labels")}
    version = host.file(f"{MACHINE}/sys/module/nvidia/version").content_string.strip()
    yield host
    host.check_output(f"echo {version} > {MACHINE}/sys/module/nvidia/version; : > {MACHINE}/dev/kmsg")
    kubectl("apply", "--filename", "-", stdin=json.dumps(kept))
    # It does not look again at a card that it has given up.
    kubectl("delete", "pod", "--namespace", NAMESPACE, "--all", "--wait=true")
    kubectl("rollout", "status", "--namespace", NAMESPACE, f"daemonset/{NAMESPACE}", "--timeout=120s")


def test_the_node_offers_the_card_twice_and_is_called_simulated():
    (node,) = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    assert node["metadata"]["labels"]["harvis.dev/gpu-simulated"] == "true"


@pytest.mark.parametrize("container", ["ollama", "backend"])
def test_both_containers_of_the_merged_pod_were_granted_it(container):
    granted = ["exec", "-n", "ai-agents", "deployment/harvis-backend", "-c", container, "--", "printenv"]
    assert kubectl(*granted, "NVIDIA_VISIBLE_DEVICES").strip() == UUID


def test_the_evidence_says_simulated():
    rows = [
        row for row in json.loads(EVIDENCE.read_text()) if row["check"] in ("gpu", "gpu-plugin", "gpu-host", "gpu-use")
    ]
    assert {row["check"] for row in rows} == {"gpu", "gpu-plugin", "gpu-host", "gpu-use"}
    assert [row for row in rows if not row["passed"] or "simulated" not in row["evidence"]] == []


def test_the_clusters_containerd_has_nvidias_runtime(host):
    """That it runs with it is for `make verify` to see, below: it compares the daemon's start with the file."""
    merged = host.check_output("containerd --config /var/lib/harvis/etc/containerd.toml config dump")
    program = re.search(r'BinaryName = "(\S+nvidia-container-runtime)"', merged)
    assert host.file(program[1]).is_file


@pytest.mark.fault("F06", code="GPU-FALLBACK", when="after deploy", by="real")
def test_a_model_on_the_cpu_is_seen_where_nobody_says_that_the_card_is_simulated():
    """Ollama really computes on the CPU, in a container that was really granted something."""
    backend = json.loads((OUTPUT / "endpoints.json").read_text())["backend"]
    asked = {"backend": backend, "checks": ["chat"], "gpu": ["ollama"]}
    argv = ["ansible", "localhost", "-c", "local", "-m", "harvis.platform.endpoint_check", "-a", json.dumps(asked)]
    argv += ["-e", f"ansible_python_interpreter={sys.executable}"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}
    done = subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 2, done.stdout
    assert "GPU-FALLBACK ollama" in done.stdout
    assert "on the CPU, although its container was granted a GPU" in done.stdout


@pytest.mark.fault("F01", code="DRV-MISMATCH", when="continuous", by="simulated NVML")
@pytest.mark.fault(code="PLG-PROMISED", by="simulated NVML")
def test_parting_module_and_library_is_seen_while_everything_runs_on(machine):
    machine.check_output(f"echo 550.127.05 > {MACHINE}/sys/module/nvidia/version")
    third = {"name": "third", "image": "none", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "third"}, "spec": {"containers": [third]}}
    kubectl("apply", "--filename", "-", stdin=json.dumps(pod))

    said, failed = verify()

    kubectl("delete", "pod", "third", "--wait=true")
    assert sorted(failed) == ["gpu-host", "gpu-pods"]
    assert "DRV-MISMATCH NVIDIA driver" in said
    assert "promised to ai-agents/harvis-backend" in failed["gpu-pods"]


@pytest.mark.fault("F05", code="GPU-LOST", when="continuous", by="simulated NVML")
@pytest.mark.fault("F14", code="PLG-UNHEALTHY", when="continuous", by="simulated NVML")
def test_a_card_that_falls_off_the_bus_is_seen_by_host_plugin_and_kubelet(machine):
    xid = "3,1,1,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."
    machine.check_output(f"echo '{xid}' >> {MACHINE}/dev/kmsg")

    said, failed = verify()

    assert sorted(failed) == ["gpu", "gpu-host", "gpu-plugin"]
    assert "GPU-LOST GPU 0000:01:00.0" in said
    assert "PLG-UNHEALTHY" in said
    assert "2 of 2 nvidia.com/gpu are marked unhealthy" in failed["gpu-plugin"]


@pytest.mark.fault("F11", code="PLG-ZERO", when="continuous", by="simulated NVML")
@pytest.mark.usefixtures("machine")
def test_a_plugin_that_was_killed_is_seen():
    kubectl("delete", "daemonset", "--namespace", NAMESPACE, NAMESPACE)

    said, failed = verify()

    assert sorted(failed) == ["gpu", "gpu-plugin"]
    assert "PLG-ZERO" in said
    assert "no pod of the device plugin runs" in failed["gpu-plugin"]
