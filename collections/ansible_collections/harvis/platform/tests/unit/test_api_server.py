"""The API server that other tests ask is really there, and decides as one does."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, ObjectRef, connect
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer


def test_objects_are_kept_and_checked(api_server: ApiServer) -> None:
    cluster = connect(str(api_server.kubeconfig))
    name = api_server.namespace()
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": name}, "immutable": True}
    cluster.create({**body, "data": {"key": "one"}})
    with pytest.raises(ApiRefusal, match="immutable"):
        cluster.apply({**body, "data": {"key": "two"}}, manager="helm", dry_run=True)
    found = cluster.get(ObjectRef("v1", "ConfigMap", "a", name))
    assert found is not None
    assert found["data"] == {"key": "one"}
