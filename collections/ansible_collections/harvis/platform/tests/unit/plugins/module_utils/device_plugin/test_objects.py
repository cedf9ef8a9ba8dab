"""Options to objects: pure."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import (
    CONFIG_HASH,
    LABELS,
    config,
    config_hash,
    smoke_pod,
    wanted_objects,
)
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError

FLAGS = {"migStrategy": "none", "failOnInitError": True, "deviceDiscoveryStrategy": "auto"}
SHARED = {"failRequestsGreaterThanOne": True, "resources": [{"name": "nvidia.com/gpu", "replicas": 2}]}
CONFIGS: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
    ({}, {"version": "v1", "flags": FLAGS}),
    ({"shares": 2}, {"version": "v1", "flags": FLAGS, "sharing": {"timeSlicing": SHARED}}),
    (
        {"shares": 2, "fail_requests_greater_than_one": False},
        {
            "version": "v1",
            "flags": FLAGS,
            "sharing": {"timeSlicing": {**SHARED, "failRequestsGreaterThanOne": False}},
        },
    ),
    ({"mig_strategy": "single"}, {"version": "v1", "flags": {**FLAGS, "migStrategy": "single"}}),
    ({"simulated_root": "/tree"}, {"version": "v1", "flags": {**FLAGS, "deviceDiscoveryStrategy": "nvml"}}),
]


@pytest.mark.parametrize(("changes", "expected"), CONFIGS, ids=[str(changes) for changes, _ in CONFIGS])
def test_the_plugins_configuration(make: t.Any, changes: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert config(make.options(**changes)) == expected


def by_kind(options: PluginOptions) -> dict[str, dict[str, t.Any]]:
    return {body["kind"]: body for body in wanted_objects(options)}


def test_all_objects_bear_our_labels_and_lie_in_one_namespace(make: t.Any) -> None:
    objects = by_kind(make.options(namespace="gpu"))

    assert list(objects) == ["Namespace", "RuntimeClass", "ServiceAccount", "ConfigMap", "DaemonSet"]
    assert all(body["metadata"]["labels"].items() >= LABELS.items() for body in objects.values())
    assert {kind: body["metadata"].get("namespace") for kind, body in objects.items()} == {
        "Namespace": None,
        "RuntimeClass": None,
        "ServiceAccount": "gpu",
        "ConfigMap": "gpu",
        "DaemonSet": "gpu",
    }


def test_the_config_map_is_what_the_plugin_reads(make: t.Any) -> None:
    objects = by_kind(make.options(shares=2))
    pod = objects["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

    assert container["args"] == [f"--config-file={mounts['config']}/config.yaml"]
    assert yaml.safe_load(objects["ConfigMap"]["data"]["config.yaml"]) == config(make.options(shares=2))


CHANGES: list[dict[str, t.Any]] = [
    {"shares": 3},
    {"mig_strategy": "single"},
    {"fail_requests_greater_than_one": False},
    {"image": "other"},
    {"runtime_class": ""},
    {"simulated_root": "/tree"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_changes_the_plugin_rolls_its_pods(make: t.Any, change: dict[str, t.Any]) -> None:
    before, after = make.options(shares=2), make.options(**{"shares": 2, **change})
    template = by_kind(after)["DaemonSet"]["spec"]["template"]

    assert config_hash(before) != config_hash(after)
    assert template["metadata"]["annotations"] == {CONFIG_HASH: config_hash(after)}


def test_what_does_not_concern_the_pods_leaves_them(make: t.Any) -> None:
    assert config_hash(make.options(timeout=1)) == config_hash(make.options(timeout=2))


def test_the_plugin_has_the_rights_it_needs_and_no_more(make: t.Any) -> None:
    pod = by_kind(make.options())["DaemonSet"]["spec"]["template"]["spec"]
    security = pod["containers"][0]["securityContext"]

    assert pod["automountServiceAccountToken"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["allowPrivilegeEscalation"] is False
    assert pod["nodeSelector"] == {"harvis.dev/gpu": "true"}


def test_without_a_runtime_class_there_is_none_and_no_pod_names_one(make: t.Any) -> None:
    options = make.options(runtime_class="")
    objects = by_kind(options)

    assert "RuntimeClass" not in objects
    assert "runtimeClassName" not in objects["DaemonSet"]["spec"]["template"]["spec"]
    assert "runtimeClassName" not in smoke_pod(options, options.nodes[0], "image", ["true"])["spec"]


def test_another_folder_of_the_kubelet_is_mounted_where_the_plugin_looks(make: t.Any) -> None:
    pod = by_kind(make.options(kubelet_dir="/srv/kubelet"))["DaemonSet"]["spec"]["template"]["spec"]

    assert pod["volumes"][0]["hostPath"]["path"] == "/srv/kubelet/device-plugins"
    assert pod["containers"][0]["volumeMounts"][0]["mountPath"] == "/var/lib/kubelet/device-plugins"


def test_a_simulated_host_is_what_the_pod_sees_of_its_node(make: t.Any) -> None:
    pod = by_kind(make.options(simulated_root="/tree"))["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (root,) = [one["value"] for one in container["env"] if one["name"] == "SIMULATED_NVML_ROOT"]

    assert {"name": "simulated", "mountPath": root, "readOnly": True} in container["volumeMounts"]
    assert {"name": "simulated", "hostPath": {"path": "/tree", "type": "Directory"}} in pod["volumes"]
    assert "SIMULATED" not in str(by_kind(make.options()))


EXPECTED: list[tuple[dict[str, t.Any], dict[str, t.Any], dict[str, int]]] = [
    ({"gpus": 1}, {}, {"nvidia.com/gpu": 1}),
    ({"gpus": 2}, {"shares": 3}, {"nvidia.com/gpu": 6}),
    ({"gpus": 0}, {"shares": 3}, {"nvidia.com/gpu": 0}),
    ({"gpus": 1, "resources": {"nvidia.com/mig-1g.5gb": 7}}, {"mig_strategy": "mixed"}, {"nvidia.com/mig-1g.5gb": 7}),
]


@pytest.mark.parametrize(("node", "changes", "expected"), EXPECTED)
def test_what_a_node_must_offer(node: dict[str, t.Any], changes: dict[str, t.Any], expected: dict[str, int]) -> None:
    options = PluginOptions.from_params({"nodes": [{"name": "workstation", **node}], **changes})

    assert options.expected(options.nodes[0]) == expected


CARD = {"name": "workstation", "gpus": 1}
REFUSED: list[tuple[str, dict[str, t.Any], str]] = [
    ("no share", {"nodes": [CARD], "shares": 0}, "shares: is 0"),
    ("negative", {"nodes": [{**CARD, "gpus": -1}]}, "gpus is -1"),
    ("twice", {"nodes": [CARD, CARD]}, "nodes: workstation: is there twice"),
    ("mixed MIG unnamed", {"nodes": [CARD], "mig_strategy": "mixed"}, "a resource for each profile"),
    (
        "simulated beside a real card",
        {"nodes": [{**CARD, "pci_gpus": 1}], "simulated_root": "/tree"},
        "has NVIDIA devices",
    ),
]


@pytest.mark.parametrize(("params", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_is_refused_before_anything_is_asked(params: dict[str, t.Any], said: str) -> None:
    with pytest.raises(HarvisError, match=said) as error:
        PluginOptions.from_params(params)

    assert [finding.code for finding in error.value.findings] == ["PLB-INPUT"]
