from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import (
    LEASE_SECONDS,
    Holder,
    helm_at_work,
    hold,
    lease_ref,
    read_lease,
)

LEASE = lease_ref("app", "shop")


def lease(holder: str, age: float) -> dict[str, t.Any]:
    renewed = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age)
    return {
        "apiVersion": LEASE.api_version,
        "kind": "Lease",
        "metadata": {"name": LEASE.name, "namespace": "shop"},
        "spec": {"holderIdentity": holder, "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")},
    }


def ended_process() -> Holder:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    mine = Holder.me().text.split("/")
    return Holder("/".join([*mine[:2], str(process.pid), "1"]))


def test_this_process_is_not_gone() -> None:
    assert not Holder.me().is_gone()


def test_an_ended_process_is_gone() -> None:
    assert ended_process().is_gone()


def test_a_number_that_is_used_again_is_another_process() -> None:
    assert Holder(f"{Holder.me().text.rpartition('/')[0]}/1").is_gone()


@pytest.mark.parametrize("text", ["elsewhere/pid:[1]/1/1", "", "somebody"])
def test_nothing_is_known_of_other_machines(text: str) -> None:
    assert not Holder(text).is_gone()


def test_the_holder_is_named_for_people() -> None:
    assert str(Holder.me()).startswith(f"process {os.getpid()} on ")


HOLDERS: list[tuple[str, str, float, bool]] = [
    ("fresh, elsewhere", "elsewhere/pid:[1]/1/1", 1, True),
    ("silent, elsewhere", "elsewhere/pid:[1]/1/1", LEASE_SECONDS + 1, False),
    ("fresh, here and alive", Holder.me().text, 1, True),
    ("fresh, here and dead", ended_process().text, 1, False),
]


@pytest.mark.parametrize(("holder", "age", "alive"), [h[1:] for h in HOLDERS], ids=[h[0] for h in HOLDERS])
def test_a_lease_lives_while_its_holder_does(make: t.Any, holder: str, age: float, alive: bool) -> None:
    held = read_lease(make.cluster(lease(holder, age)), "app", "shop")
    assert held is not None
    assert held.is_alive is alive


def test_a_release_is_held_for_the_length_of_the_block(make: t.Any) -> None:
    cluster = make.cluster()
    with hold(cluster, "app", "shop"):
        held = read_lease(cluster, "app", "shop")
        assert held is not None
        assert held.holder == Holder.me()
    assert cluster.get(LEASE) is None


def test_a_lease_is_given_back_after_a_failure(make: t.Any) -> None:
    cluster = make.cluster()
    with pytest.raises(RuntimeError), hold(cluster, "app", "shop"):
        raise RuntimeError
    assert cluster.get(LEASE) is None


def test_a_living_holder_is_respected(make: t.Any) -> None:
    cluster = make.cluster(lease("elsewhere/pid:[1]/77/1", 1))
    with pytest.raises(ReleaseError, match=r"REL-LOCKED release shop/app: process 77 on elsewhere"):
        hold(cluster, "app", "shop").__enter__()
    assert cluster.written == []


def test_a_dead_holder_is_replaced(make: t.Any) -> None:
    cluster = make.cluster(lease(ended_process().text, 1))
    with hold(cluster, "app", "shop"):
        assert cluster.written == [("replace", LEASE)]


def test_only_one_of_two_takes_a_free_release(make: t.Any) -> None:
    cluster = make.cluster()
    create = cluster.create

    def somebody_is_faster(body: dict[str, t.Any]) -> t.Any:
        cluster.put(lease("elsewhere/pid:[1]/77/1", 0))
        return create(body)

    cluster.create = somebody_is_faster
    with pytest.raises(ReleaseError, match="REL-LOCKED"):
        hold(cluster, "app", "shop").__enter__()


COMMANDS: list[tuple[str, list[str], bool]] = [
    ("an upgrade of the release", ["/opt/bin/helm", "upgrade", "app", "chart", "--namespace", "shop"], True),
    ("a rollback of the release", ["helm", "rollback", "app", "3", "--namespace", "shop"], True),
    ("another release", ["helm", "upgrade", "other", "chart", "--namespace", "shop"], False),
    ("another namespace", ["helm", "upgrade", "app", "chart", "--namespace", "other"], False),
    ("only reading", ["helm", "template", "app", "chart", "--namespace", "shop"], False),
    ("another program", ["vim", "upgrade", "app", "shop"], False),
]


@pytest.mark.parametrize(("argv", "at_work"), [c[1:] for c in COMMANDS], ids=[c[0] for c in COMMANDS])
def test_a_helm_at_work_is_seen(tmp_path: Path, argv: list[str], at_work: bool) -> None:
    (tmp_path / "123").mkdir()
    (tmp_path / "123" / "cmdline").write_bytes("\0".join([*argv, ""]).encode())
    (tmp_path / "self").mkdir()
    (tmp_path / "124").mkdir()
    assert helm_at_work("app", "shop", tmp_path) == (123 if at_work else None)


def kubeconfig(place: Path, server: str) -> Path:
    contexts = [{"name": "one", "context": {"cluster": "c"}}]
    clusters = [{"name": "c", "cluster": {"server": server}}]
    place.write_text(yaml.safe_dump({"current-context": "one", "contexts": contexts, "clusters": clusters}))
    return place


UPGRADE = ["/bin/helm", "upgrade", "app", "chart", "--namespace", "shop"]
CLUSTERS: list[tuple[str, str, list[str], dict[str, str], bool]] = [
    ("by option", "https://other:6443", ["--kubeconfig", "{}"], {}, False),
    ("by option in one word", "https://other:6443", ["--kubeconfig={}"], {}, False),
    ("by environment", "https://other:6443", [], {"KUBECONFIG": "{}"}, False),
    ("the same", "https://here:6443/", ["--kubeconfig", "{}"], {}, True),
    ("unreadable", "https://other:6443", ["--kubeconfig", "/nowhere"], {}, True),
    ("unknown context", "https://other:6443", ["--kubeconfig", "{}", "--kube-context", "two"], {}, True),
]


@pytest.mark.parametrize(
    ("server", "options", "environment", "at_work"), [c[1:] for c in CLUSTERS], ids=[c[0] for c in CLUSTERS]
)
def test_a_helm_at_work_on_another_cluster_holds_nothing_here(
    tmp_path: Path, server: str, options: list[str], environment: dict[str, str], at_work: bool
) -> None:
    config = str(kubeconfig(tmp_path / "config", server))
    process = tmp_path / "proc" / "123"
    (process / "cwd").mkdir(parents=True)
    argv = [*UPGRADE, *(option.replace("{}", config) for option in options), ""]
    (process / "cmdline").write_bytes("\0".join(argv).encode())
    known = {"HOME": "/nowhere", **{name: value.replace("{}", config) for name, value in environment.items()}}
    (process / "environ").write_bytes("\0".join(f"{name}={value}" for name, value in known.items()).encode())

    found = helm_at_work("app", "shop", tmp_path / "proc", server="https://here:6443")

    assert found == (123 if at_work else None)


def test_the_lease_lies_beside_the_release() -> None:
    assert ObjectRef("coordination.k8s.io/v1", "Lease", "harvis-release-app", "shop") == LEASE
