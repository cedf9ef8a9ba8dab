"""Shaping of image descriptions."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.filter.images import (
    FilterModule,
    deployed_names,
    image_ids,
    nest,
    without_history,
    worker_image,
)

BUILT = {"vhm-indexer": {"reference": "harvis.local/vhm-indexer:sha256-1"}, "kafka": {"reference": "kafka:sha256-2"}}
DELIVERED = {
    "harvis.local/vhm-indexer:sha256-1": {"name": "registry:5000/vhm-indexer:sha256-1", "id": "sha256:aa"},
    "kafka:sha256-2": {"name": "kafka:sha256-2", "id": ""},
}


def test_a_workers_image_counts_its_own_package_alone() -> None:
    assert worker_image("indexer", "/src/vhm", ["common", "workers/vhm_{}", "{}/{}"], "python:1") == {
        "name": "vhm-indexer",
        "context": "/src/vhm",
        "dockerfile": "docker/worker.Dockerfile",
        "include": ["common", "workers/vhm_indexer", "indexer/indexer"],
        "build_args": {"WORKER_MODULE": "workers.vhm_indexer.main"},
        "base": "python:1",
    }


def test_manifests_use_the_name_after_delivery() -> None:
    assert deployed_names(BUILT, DELIVERED, "vhm-") == {
        "indexer": "registry:5000/vhm-indexer:sha256-1",
        "kafka": "kafka:sha256-2",
    }


def test_only_what_is_delivered_has_an_identity() -> None:
    more = {"x": {"name": "qdrant:1", "id": "sha256:bb"}, "y": {"name": "no id"}}

    assert image_ids(DELIVERED, more) == {"registry:5000/vhm-indexer:sha256-1": "sha256:aa", "qdrant:1": "sha256:bb"}
    assert image_ids() == {}


def test_a_record_of_what_was_delivered_is_the_same_whoever_brought_it() -> None:
    brought = {"qdrant:1": {"name": "qdrant:1", "id": "sha256:bb", "changed": True}}
    found = {"qdrant:1": {"name": "qdrant:1", "id": "sha256:bb", "changed": False}}

    assert without_history(brought) == without_history(found)
    assert image_ids(without_history(brought)) == image_ids(brought)


def test_nesting() -> None:
    assert nest({"indexer": "a:1"}, "image") == {"indexer": {"image": "a:1"}}


def test_ansible_finds_the_filters() -> None:
    assert FilterModule().filters() == {
        "worker_image": worker_image,
        "deployed_names": deployed_names,
        "nest": nest,
        "image_ids": image_ids,
        "without_history": without_history,
    }
