from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.info import release_info
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import hold


def test_a_release_is_described(released: t.Any) -> None:
    (found,) = release_info(released, name="", namespace="", drift=False)
    assert (found["name"], found["namespace"], found["revision"], found["status"]) == ("app", "shop", 1, "deployed")
    assert found["images"] == ["registry.example/web:1"]
    assert [entry["kind"] for entry in found["objects"]] == ["ConfigMap", "Deployment"]
    assert [entry["status"] for entry in found["history"]] == ["deployed"]
    assert found["held_by"] is None
    assert "drift" not in found


def test_nothing_released_is_an_empty_list(make: t.Any) -> None:
    assert release_info(make.cluster(), name="", namespace="", drift=False) == []


def test_drift_is_told_when_asked_for(released: t.Any) -> None:
    released.objects.pop(ObjectRef("v1", "ConfigMap", "settings", "shop"))
    (found,) = release_info(released, name="app", namespace="shop", drift=True)
    assert found["drift"] == ["ConfigMap shop/settings: was deleted"]


def test_who_is_at_work_is_told(released: t.Any) -> None:
    with hold(released, "app", "shop"):
        (found,) = release_info(released, name="app", namespace="shop", drift=False)
    assert found["held_by"].startswith("process ")
