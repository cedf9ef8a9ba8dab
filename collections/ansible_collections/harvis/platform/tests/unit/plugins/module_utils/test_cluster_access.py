"""The kubeconfig and the programs that are left on the controller."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.cluster.access import (
    link_programs,
    single_context,
    write_private,
)
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterError
from ansible_collections.harvis.platform.plugins.modules import cluster_access
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

KUBECONFIG: dict[str, t.Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "home",
    "preferences": {"colors": True},
    "contexts": [
        {"name": "home", "context": {"cluster": "home", "user": "admin"}},
        {"name": "work", "context": {"cluster": "office", "user": "me", "namespace": "vhm"}},
    ],
    "clusters": [{"name": n, "cluster": {"server": f"https://{n}.example:6443"}} for n in ("home", "office")],
    "users": [{"name": n, "user": {"token": f"secret of {n}"}} for n in ("admin", "me")],
}
TEXT = yaml.safe_dump(KUBECONFIG)


def reduced(name: str, context: int, cluster: int, user: int) -> dict[str, t.Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [KUBECONFIG["contexts"][context]],
        "clusters": [KUBECONFIG["clusters"][cluster]],
        "users": [KUBECONFIG["users"][user]],
    }


@pytest.mark.parametrize(
    ("context", "expected"),
    [("", reduced("home", 0, 0, 0)), ("work", reduced("work", 1, 1, 1))],
    ids=["current", "named"],
)
def test_one_context_and_nothing_else(context: str, expected: dict[str, t.Any]) -> None:
    assert yaml.safe_load(single_context(TEXT, context, "kubeconfig")) == expected


def test_a_wrong_context_is_named_with_the_right_ones() -> None:
    with pytest.raises(ClusterError, match="has no context 'prod'") as caught:
        single_context(TEXT, "prod", "/home/me/.kube/config")
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("PLB-INPUT", "/home/me/.kube/config")
    assert finding.fix == "Set cluster_context to one of: home, work."


NO_KUBECONFIG = [
    "",
    "text",
    "[1, 2]",
    "a: [",
    "{contexts: []}",
    "{current-context: a, contexts: [1]}",
    "current-context: a\ncontexts: []",
]


@pytest.mark.parametrize("text", NO_KUBECONFIG)
def test_what_is_no_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(ClusterError, match="PLB-INPUT file: is not a kubeconfig"):
        single_context(text, "", "file")


def test_a_private_file_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kubeconfig"

    assert write_private(path, "one", dry=True) is True
    assert not path.parent.exists()
    assert write_private(path, "one", dry=False) is True
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("one", 0o600)
    assert write_private(path, "one", dry=False) is False
    assert write_private(path, "two", dry=False) is True


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("one")
    path.chmod(0o644)

    assert write_private(path, "one", dry=False) is True
    assert path.stat().st_mode & 0o777 == 0o600


def test_links_follow_the_programs(tmp_path: Path) -> None:
    folder = tmp_path / "bin"

    assert link_programs({"helm": "/a/helm"}, folder, dry=True) is True
    assert not folder.exists()
    assert link_programs({"helm": "/a/helm"}, folder, dry=False) is True
    assert link_programs({"helm": "/a/helm"}, folder, dry=False) is False
    assert link_programs({"helm": "/b/helm"}, folder, dry=False) is True
    assert str((folder / "helm").readlink()) == "/b/helm"


def test_module_writes_then_rests(tmp_path: Path) -> None:
    dest = tmp_path / "out" / "kubeconfig"
    arguments = {"content": TEXT, "dest": str(dest), "bin_dir": "/opt/programs"}

    first, second = (run_main(cluster_access.main, arguments) for _ in range(2))

    assert (first["changed"], second["changed"]) == (True, False)
    assert yaml.safe_load(dest.read_text()) == reduced("home", 0, 0, 0)
    links = {p.name: str(p.readlink()) for p in (dest.parent / "bin").iterdir()}
    assert links == {"kubectl": "/opt/programs/kubectl", "helm": "/opt/programs/helm"}
    assert "secret of admin" not in str(first)


def test_module_in_check_mode(tmp_path: Path) -> None:
    arguments = {"content": TEXT, "dest": str(tmp_path / "out" / "kubeconfig"), "bin_dir": "/opt/programs"}

    assert run_main(cluster_access.main, arguments, check_mode=True)["changed"] is True
    assert list(tmp_path.iterdir()) == []


UNUSABLE = [
    pytest.param({"source": "absent"}, "cannot be read: No such file or directory", id="absent"),
    pytest.param({}, "cannot be read: Is a directory", id="nothing given"),
    pytest.param({"content": "text"}, "is not a kubeconfig: TypeError", id="no kubeconfig"),
]


@pytest.mark.parametrize(("given", "cause"), UNUSABLE)
def test_module_fails_with_the_finding(tmp_path: Path, given: dict[str, str], cause: str) -> None:
    result = run_main(cluster_access.main, {**given, "dest": str(tmp_path / "kubeconfig")})

    assert result["failed"] is True
    assert [(f["code"], f["cause"]) for f in result["findings"]] == [("PLB-INPUT", cause)]
    assert list(tmp_path.iterdir()) == []
