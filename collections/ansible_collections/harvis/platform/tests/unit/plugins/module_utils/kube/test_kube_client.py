from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.kube import (
    ApiRefusal,
    ClusterError,
    KubeClient,
    ObjectRef,
    UnknownKind,
    connect,
)

SETTINGS = ObjectRef("v1", "ConfigMap", "settings", "shop")
PATH = "/api/v1/namespaces/shop/configmaps/settings"
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}}


@pytest.fixture
def client(kubeconfig: Path) -> KubeClient:
    return connect(str(kubeconfig), "lab")


def last(api: t.Any) -> tuple[str, str, dict[str, str], t.Any]:
    method, path, query, body, _ = api.requests[-1]
    return method, path, query, body


def test_an_object_is_read_as_it_is(api: t.Any, client: KubeClient) -> None:
    api.answer("GET", PATH, 200, BODY)
    assert client.get(SETTINGS) == BODY


def test_a_missing_object_is_none(client: KubeClient) -> None:
    assert client.get(SETTINGS) is None


def test_the_version_is_the_servers(client: KubeClient) -> None:
    assert client.version == "v1.34.4"


@pytest.mark.parametrize(("kind", "expected"), [("ConfigMap", True), ("Namespace", False)])
def test_scopes_come_from_discovery(client: KubeClient, kind: str, expected: bool) -> None:
    assert client.namespaced("v1", kind) is expected


def test_items_of_a_list_say_what_they_are(api: t.Any, client: KubeClient) -> None:
    items = [{"metadata": {"name": "settings", "namespace": "shop"}}]
    api.answer("GET", "/api/v1/namespaces/shop/configmaps", 200, {"kind": "ConfigMapList", "items": items})
    assert client.find("v1", "ConfigMap", namespace="shop", labels="a=b", fields="c=d") == [BODY]
    assert last(api)[2] == {"labelSelector": "a=b", "fieldSelector": "c=d"}


def test_apply_takes_fields_over_and_refuses_unknown_ones(api: t.Any, client: KubeClient) -> None:
    api.answer("PATCH", PATH, 200, BODY)
    client.apply(BODY, manager="helm", dry_run=True)
    query = {"fieldManager": "helm", "force": "true", "dryRun": "All", "fieldValidation": "Strict"}
    assert last(api) == ("PATCH", PATH, query, BODY)
    assert api.requests[-1][4] == "application/apply-patch+yaml"


def test_a_patch_is_a_json_patch(api: t.Any, client: KubeClient) -> None:
    api.answer("PATCH", PATH, 200, BODY)
    operations = [{"op": "remove", "path": "/data/a"}]
    client.patch(SETTINGS, operations)
    assert last(api) == ("PATCH", PATH, {"fieldManager": "harvis"}, operations)
    assert api.requests[-1][4] == "application/json-patch+json"


def test_what_a_kubelet_reports_is_patched_at_its_own_address(api: t.Any, client: KubeClient) -> None:
    path = "/api/v1/nodes/workstation/status"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "workstation"}}
    api.answer("PATCH", path, 200, node)
    operations = [{"op": "remove", "path": "/status/capacity/nvidia.com~1gpu"}]

    assert client.patch_status(ObjectRef("v1", "Node", "workstation"), operations) == node
    assert last(api) == ("PATCH", path, {}, operations)
    assert api.requests[-1][4] == "application/json-patch+json"


def test_create_and_replace_send_the_whole_object(api: t.Any, client: KubeClient) -> None:
    api.answer("POST", "/api/v1/namespaces/shop/configmaps", 201, BODY)
    api.answer("PUT", PATH, 200, BODY)
    client.create(BODY)
    client.replace(BODY)
    assert [(method, body) for method, _, _, body, _ in api.requests[-2:]] == [("POST", BODY), ("PUT", BODY)]


def test_delete_says_whether_it_was_there(api: t.Any, client: KubeClient) -> None:
    assert client.delete(SETTINGS) is False
    api.answer("DELETE", PATH, 200, {"kind": "Status", "status": "Success"})
    assert client.delete(SETTINGS) is True


def test_logs_are_text(api: t.Any, client: KubeClient) -> None:
    api.answer("GET", "/api/v1/namespaces/shop/pods/web-1/log", 200, "one\ntwo\n")
    assert client.logs("shop", "web-1", "web", previous=True, lines=5) == "one\ntwo\n"
    assert last(api)[2] == {"container": "web", "tailLines": "5", "previous": "true"}
    client.logs("shop", "web-1", "web", beginning=4096)
    assert last(api)[2] == {"container": "web", "limitBytes": "4096", "previous": "false"}


def test_a_kind_that_is_not_served_is_told_as_such(client: KubeClient) -> None:
    with pytest.raises(UnknownKind, match="REL-CLUSTER Rollout shop/web: the cluster does not serve this kind"):
        client.get(ObjectRef("argoproj.io/v1alpha1", "Rollout", "web", "shop"))


REFUSALS: list[tuple[int, str, str, str]] = [
    (403, "Forbidden", 'configmaps is forbidden: User "me" cannot get resource', "Give the user of this context"),
    (401, "Unauthorized", "Unauthorized", "get a fresh kubeconfig"),
    (500, "InternalError", "etcd is away", ""),
]


@pytest.mark.parametrize(("status", "reason", "message", "fix"), REFUSALS)
def test_a_refusal_keeps_the_servers_words(
    api: t.Any, client: KubeClient, status: int, reason: str, message: str, fix: str
) -> None:
    api.answer("GET", PATH, status, {"kind": "Status", "reason": reason, "message": message})
    with pytest.raises(ApiRefusal) as caught:
        client.get(SETTINGS)
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject, finding.cause) == ("REL-CLUSTER", "ConfigMap shop/settings", message)
    assert finding.evidence == f"HTTP {status} {reason}"
    assert fix in finding.fix


def test_a_refusal_that_is_no_status_is_still_a_finding(api: t.Any, client: KubeClient) -> None:
    api.answer("GET", PATH, 502, "<html>bad gateway</html>")
    with pytest.raises(ApiRefusal, match="HTTP 502"):
        client.get(SETTINGS)


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"nowhere: the kubeconfig does not exist"):
        connect(str(tmp_path / "nowhere"))


def test_a_missing_context_is_named(kubeconfig: Path) -> None:
    with pytest.raises(ClusterError, match=r"context other of .*: the kubeconfig cannot be used"):
        connect(str(kubeconfig), "other")


def test_a_closed_port_is_found_at_once(tmp_path: Path, kubeconfig_of: t.Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ClusterError, match=r"the API server cannot be reached\nEvidence: .*Connection refused"):
        connect(str(kubeconfig_of(tmp_path, port)))
