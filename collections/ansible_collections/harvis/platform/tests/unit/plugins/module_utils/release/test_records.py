from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.node_images import Missing, missing_images
from ansible_collections.harvis.platform.plugins.module_utils.release.records import (
    Record,
    read_records,
    records_ref,
    write_record,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history

REF = records_ref("app", "shop")


def test_revisions_that_helm_dropped_are_forgotten(make: t.Any) -> None:
    cluster = make.cluster(make.secret(1, "superseded"), make.secret(2, "deployed"))
    history = read_history(cluster, "app", "shop")
    for revision in history.revisions:
        write_record(cluster, history, revision, source=f"commit-{revision.number}")
    cluster.objects.pop(ObjectRef("v1", "Secret", "sh.helm.release.v1.app.v1", "shop"))
    history = read_history(cluster, "app", "shop")
    write_record(cluster, history, history.revisions[0], verified=True)
    assert list(cluster.get(REF)["data"]) == ["2"]
    assert read_records(cluster, "app", "shop").of(history.revisions[0]).source == "commit-2"


def test_what_somebody_else_writes_meanwhile_is_kept(make: t.Any) -> None:
    cluster = make.cluster(make.secret(1, "superseded"), make.secret(2, "deployed"))
    history = read_history(cluster, "app", "shop")
    first, second = history.revisions
    create = cluster.create

    def somebody_is_faster(_body: dict[str, t.Any]) -> t.Any:
        cluster.create = create
        write_record(cluster, history, first, source="theirs")
        raise ApiRefusal(str(REF), 409, "AlreadyExists", "already exists")

    cluster.create = somebody_is_faster
    write_record(cluster, history, second, source="ours")
    found = read_records(cluster, "app", "shop")
    assert [found.of(r).source for r in (first, second)] == ["theirs", "ours"]


def node(*names: str) -> dict[str, t.Any]:
    images = [{"names": [name]} for name in names]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}, "status": {"images": images}}


def missing(make: t.Any, node_: dict[str, t.Any], *, policy: str = "IfNotPresent", image_id: str = "") -> Missing:
    text = make.manifest.replace("image: registry", f"imagePullPolicy: {policy}\n          image: registry")
    cluster = make.cluster(node_)
    record = Record("", images={"registry.example/web:1": image_id} if image_id else {})
    return missing_images(cluster, parse_manifest(text, "shop", cluster.namespaced), record)


WEB = "registry.example/web:1"


def test_an_image_that_a_node_has_is_not_missing(make: t.Any) -> None:
    assert missing(make, node(WEB), policy="Never") == Missing()


def test_an_image_that_is_never_pulled_is_gone(make: t.Any) -> None:
    assert missing(make, node("other:1"), policy="Never") == Missing(gone=(WEB,))


def test_an_image_that_was_brought_to_the_node_is_gone(make: t.Any) -> None:
    assert missing(make, node("other:1"), image_id="sha256:1") == Missing(gone=(WEB,))
    assert missing(make, node("other:1"), image_id="registry.example/web@sha256:1") == Missing(to_pull=(WEB,))


def test_a_report_that_is_cut_off_proves_nothing(make: t.Any) -> None:
    assert missing(make, node(*(f"other:{n}" for n in range(50))), policy="Never") == Missing()
