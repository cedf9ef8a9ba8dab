"""Facts about the platform, asked of the running thing in the machine that it was brought up on."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

OUTPUT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / ".harvis" / "molecule"
ROWS = json.loads((OUTPUT / "evidence.json").read_text())
CHECKS = ("ready", "chat", "speak", "remember", "recall", "retell", "pods", "image-digest", "limits", "topics", "drift")


def kubectl(*arguments: str) -> str:
    """kubectl from outside the machine, with the kubeconfig that the run left for people."""
    argv = [OUTPUT / "bin" / "kubectl", "--kubeconfig", OUTPUT / "kubeconfig", *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("check", CHECKS)
def test_evidence_of_check_passed(check):
    assert [r["passed"] for r in ROWS if r["check"] == check] != []
    assert [r for r in ROWS if r["check"] == check and r["passed"] is not True] == []


def test_kubelet_reports_the_wanted_version():
    assert kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}") == "v1.34.4"


@pytest.mark.parametrize("daemon", ["supervisord", "containerd", "kubelet", "dockerd"])
def test_daemon_is_supervised(host, daemon):
    # A bare machine has no ps; a process that ends meanwhile makes cat fail, and is none of these.
    assert daemon in host.run("cat /proc/[0-9]*/comm").stdout.split()


def test_workers_run_the_image_of_todays_sources():
    image = kubectl("get", "deployment", "resonance", "-n", "vhm", "-o", "jsonpath={..containers[*].image}")
    assert image.startswith("harvis.local/vhm-resonance:sha256-")


def test_containers_are_not_root_and_cannot_write_their_root():
    ours = "app.kubernetes.io/part-of=harvis-platform"
    pods = json.loads(kubectl("get", "pods", "-A", "-l", ours, "-o", "json"))["items"]
    containers = [(p, c) for p in pods for c in p["spec"]["containers"]]
    assert len(containers) >= 7
    for pod, container in containers:
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_back_end_answers_from_outside_the_machine():
    base = json.loads((OUTPUT / "endpoints.json").read_text())["backend"]
    with urllib.request.urlopen(f"{base}/health", timeout=10) as answer:
        assert json.load(answer) == {"status": "ok"}


def test_mark_names_the_clusters_authority(host):
    mark = json.loads(host.file("/var/lib/harvis/cluster.json").content_string)
    assert mark["ca"] == host.check_output("sha256sum /etc/kubernetes/pki/ca.crt").split()[0]


def test_kubeconfig_is_private():
    assert (OUTPUT / "kubeconfig").stat().st_mode & 0o077 == 0


def test_no_other_firewall_rule_than_kubernetes_own(host):
    rules = host.check_output("iptables-save").splitlines()
    assert [r for r in rules if r.startswith("-A") and "KUBE" not in r] == []
