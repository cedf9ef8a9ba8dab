"""Whose cluster is it?"""

from __future__ import annotations

import hashlib
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster import mark as subject
from ansible_collections.harvis.platform.plugins.module_utils.cluster.mark import Mark
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterError
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process

OURS, OTHER = "our authority", "another authority"
ABSENT = object()


def digest(certificate: str) -> str:
    return hashlib.sha256(certificate.encode()).hexdigest()


class Host(t.NamedTuple):
    """The folders of one host, below a temporary root."""

    mark: Path
    kubernetes: Path
    kubelet: Path
    etcd: Path
    running: list[Process]

    def authority(self, certificate: str) -> None:
        (self.kubernetes / "pki").mkdir(parents=True)
        (self.kubernetes / "pki" / "ca.crt").write_text(certificate)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    folders = tuple(tmp_path / name for name in ("kubernetes", "kubelet", "etcd"))
    host = Host(tmp_path / "data" / "cluster.json", *folders, running=[])
    monkeypatch.setattr(subject, "KUBERNETES_FOLDERS", folders)
    monkeypatch.setattr(subject, "CA_CERTIFICATE", host.kubernetes / "pki" / "ca.crt")
    monkeypatch.setattr(subject, "processes", lambda: iter(host.running))
    return host


class Case(t.NamedTuple):
    name: str
    mark: t.Any
    authority: str | None
    etcd: str | None
    foreign: bool


CASES = [
    Case("bare host", ABSENT, None, None, False),
    Case("no mark, an authority", ABSENT, OTHER, None, True),
    Case("no mark, data of etcd alone", ABSENT, None, "member", True),
    Case("no mark, an empty mount point", ABSENT, None, "lost+found", False),
    Case("being made, nothing there yet", None, None, None, False),
    Case("being made, an authority half way", None, OURS, "member", False),
    Case("our authority", digest(OURS), OURS, "member", False),
    Case("our mark, the authority is gone", digest(OURS), None, "member", False),
    Case("our mark, somebody else's authority", digest(OURS), OTHER, "member", True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_foreign_state_is_told_from_ours(host: Host, case: Case) -> None:
    if case.mark is not ABSENT:
        Mark("v1.34.4", case.mark).write(host.mark)
    if case.authority:
        host.authority(case.authority)
    if case.etcd:
        (host.etcd / case.etcd).mkdir(parents=True)

    findings = subject.find_foreign(host.mark)

    assert [f.code for f in findings] == (["PLB-FOREIGN"] if case.foreign else [])


@pytest.mark.parametrize("executable", ["/usr/bin/kubelet", "/usr/local/bin/k3s"])
def test_a_running_node_is_foreign_without_any_folder(host: Host, executable: str) -> None:
    host.running.extend([Process(1, "/sbin/init", ("init",), 0), Process(77, executable, ("x",), 1)])

    (finding,) = subject.find_foreign(host.mark)

    assert finding.evidence == f"process 77 {executable}"


def test_refusing_names_what_was_found(host: Host) -> None:
    host.authority(OTHER)
    (host.kubelet / "pods").mkdir(parents=True)

    with pytest.raises(ClusterError, match="kubeadm reset") as caught:
        subject.refuse_foreign(host.mark)

    assert [f.evidence for f in caught.value.findings] == [f"{host.kubernetes}, {host.kubelet}"]


BROKEN = ["", "{", "[]", "{}", '{"version": "v1"}', '"text"']


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_that_is_no_mark_marks_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)

    assert Mark.read(tmp_path / "cluster.json") is None


def test_a_mark_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "data" / "cluster.json"
    Mark("v1.34.4", None).write(path)
    Mark("v1.34.4", "abc").write(path)

    assert Mark.read(path) == Mark("v1.34.4", "abc")
    assert json.loads(path.read_text()) == {"version": "v1.34.4", "ca": "abc"}
    assert list(path.parent.iterdir()) == [path]


def test_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(OURS)

    assert subject.fingerprint(tmp_path / "ca.crt") == digest(OURS)
    assert subject.fingerprint(tmp_path / "absent") is None
