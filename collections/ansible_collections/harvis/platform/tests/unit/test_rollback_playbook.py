"""playbooks/rollback.yml as a user runs it, on a real API server with a real helm."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import KubeClient, ObjectRef, connect
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.verification import mark
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer, helm_binary

PROJECT = Path(__file__).resolve().parents[6]
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {greeting: {{ .Values.greeting }}}
"""
RELEASES = ("data", "app")


@pytest.fixture
def released(api_server: ApiServer, tmp_path: Path) -> t.Iterator[t.Callable[[str, str], None]]:
    """Two releases in a namespace each; the answer applies one of them with a greeting."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "helm").symlink_to(helm_binary())
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: any\nversion: 0.1.0\n", encoding="utf-8")
    (chart / "templates" / "settings.yaml").write_text(TEMPLATE, encoding="utf-8")
    helm = Helm(SystemRunner(), helm_binary(), str(api_server.kubeconfig))

    def apply(name: str, greeting: str) -> None:
        spec = ReleaseSpec(name, f"rollback-{name}", chart, {"greeting": greeting}, timeout=60)
        ensure_present(spec, helm, lambda: connect(str(api_server.kubeconfig)), check_mode=False)

    yield apply
    for name in RELEASES:
        connect(str(api_server.kubeconfig)).delete(ObjectRef("v1", "Namespace", f"rollback-{name}"))


def greetings(cluster: KubeClient) -> list[str]:
    found = [cluster.get(ObjectRef("v1", "ConfigMap", "settings", f"rollback-{name}")) for name in RELEASES]
    return [body["data"]["greeting"] for body in found if body]


def play(api_server: ApiServer, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    told = {
        "harvis_output_root": str(folder),
        "harvis_kubeconfig": str(api_server.kubeconfig),
        "release_app_name": "app",
        "release_app_namespace": "rollback-app",
        "release_data_name": "data",
        "release_workers_namespace": "rollback-data",
    }
    argv = ["ansible-playbook", "-i", "inventories/local", "playbooks/rollback.yml", "--skip-tags", "verify"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")}
    return subprocess.run(
        [*argv, "-e", json.dumps(told), *more],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_platform_goes_back_to_what_was_verified(
    api_server: ApiServer, released: t.Callable[[str, str], None], tmp_path: Path
) -> None:
    cluster = connect(str(api_server.kubeconfig))
    for name in RELEASES:
        released(name, "good")
    nothing = play(api_server, tmp_path)
    assert nothing.returncode
    assert "REL-REVISION release rollback-data/data: no revision that Helm still has passed" in nothing.stdout
    for name in RELEASES:
        mark(cluster, name, f"rollback-{name}", verified=True)
        released(name, "bad")
    looked = play(api_server, tmp_path, "--check", "--diff")
    assert "-  greeting: bad\n+  greeting: good" in looked.stdout, looked.stdout + looked.stderr
    assert greetings(cluster) == ["bad", "bad"]
    done = play(api_server, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "app is as in revision 1" in done.stdout
    assert greetings(cluster) == ["good", "good"]
    again = play(api_server, tmp_path)
    assert "changed=0" in again.stdout
    for name in RELEASES:
        released(name, "bad")
    play(api_server, tmp_path, "-e", "release_rollback_to=1")
    # A number is meant for the application alone.
    assert greetings(cluster) == ["bad", "good"]


def test_verification_lacks_nothing_that_only_a_whole_run_has(api_server: ApiServer, tmp_path: Path) -> None:
    """There is no platform here, so it fails; but by what it sees, and not because a role's variable is missing."""
    given = {"harvis_output_root": str(tmp_path), "harvis_kubeconfig": str(api_server.kubeconfig), "verify_wait": 0}
    given["release_backend_port"] = 1
    argv = ["ansible-playbook", "playbooks/rollback.yml", "--skip-tags", "release", "-e", json.dumps(given)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}

    done = subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)

    assert "Stop where a check failed" in done.stdout, done.stdout
    assert "undefined" not in done.stdout
