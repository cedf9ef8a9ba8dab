"""The objects that the plugin consists of, as they should be. Nothing here asks a cluster."""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU, GpuNode, PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

NAME = "nvidia-device-plugin"
# The pods' own label. NVIDIA's chart uses app.kubernetes.io/name; a selector may not take its pods for ours.
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": "harvis"}
SELECTOR = ",".join(f"{key}={value}" for key, value in LABELS.items())
GPU_LABEL = "harvis.dev/gpu"
SIMULATED_LABEL = "harvis.dev/gpu-simulated"
CONFIG_HASH = "harvis.dev/config-hash"
# Every kind that an installation has or once had: what bears our labels and is not wanted is removed.
KINDS = (
    ("apps/v1", "DaemonSet", True),
    ("v1", "ConfigMap", True),
    ("v1", "ServiceAccount", True),
    ("node.k8s.io/v1", "RuntimeClass", False),
    ("v1", "Namespace", False),
)
_CONFIG = "/etc/nvidia-device-plugin"
_SOCKETS = "device-plugins"
_SIMULATED = "/simulated"


def wanted_objects(options: PluginOptions) -> list[Object]:
    """In the order in which they must be made."""
    runtime_class = [_runtime_class(options)] if options.runtime_class else []
    return [_namespace(options), *runtime_class, _service_account(options), _config_map(options), _daemon_set(options)]


def config(options: PluginOptions) -> dict[str, t.Any]:
    """The plugin's configuration file.

    A plugin that fails at its start is seen by everyone; one that waits for ever without devices is seen by nobody.
    """
    flags = {
        "migStrategy": options.mig_strategy,
        "failOnInitError": True,
        # `auto` looks for a device node or a kernel module first, and a simulated card has neither.
        "deviceDiscoveryStrategy": "nvml" if options.simulated else "auto",
    }
    if options.shares == 1:
        return {"version": "v1", "flags": flags}
    shared = {
        "failRequestsGreaterThanOne": options.fail_requests_greater_than_one,
        "resources": [{"name": GPU, "replicas": options.shares}],
    }
    return {"version": "v1", "flags": flags, "sharing": {"timeSlicing": shared}}


def config_text(options: PluginOptions) -> str:
    import yaml

    return yaml.safe_dump(config(options), sort_keys=False)


def config_hash(options: PluginOptions) -> str:
    """Of all that a pod of the plugin is made from. The plugin reads its file once: only new pods read a new one."""
    parts = (
        config_text(options),
        options.image,
        options.runtime_class,
        options.kubelet_dir,
        options.simulated_root,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def smoke_pod(options: PluginOptions, node: GpuNode, image: str, command: t.Sequence[str]) -> Object:
    """A pod that asks for one of what ``node`` offers, and ends."""
    container = {
        "name": "smoke",
        "image": image,
        "command": list(command),
        "env": [{"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "compute,utility"}],
        "resources": {"limits": {first_resource(options, node): "1"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        **_runtime(options),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "tolerations": _tolerations(),
        "affinity": _on_node(node.name),
        "containers": [container],
    }
    labels = {**LABELS, "app.kubernetes.io/name": "gpu-smoke"}
    metadata = {"name": "gpu-smoke", "namespace": options.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def first_resource(options: PluginOptions, node: GpuNode) -> str:
    """The first that the node has any of."""
    return next((name for name, count in options.expected(node).items() if count), GPU)


def _on_node(name: str) -> dict[str, t.Any]:
    """By the node's own name: the label kubernetes.io/hostname may be another."""
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]}]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def _object(api_version: str, kind: str, namespace: str = "", name: str = NAME, **rest: t.Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": dict(LABELS)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def _namespace(options: PluginOptions) -> Object:
    body = _object("v1", "Namespace", name=options.namespace)
    # The plugin mounts the kubelet's folder of sockets, which only this level of pod security allows.
    body["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"
    return body


def _runtime_class(options: PluginOptions) -> Object:
    return _object("node.k8s.io/v1", "RuntimeClass", name=options.runtime_class, handler=options.runtime_handler)


def _service_account(options: PluginOptions) -> Object:
    """Bound to no role: the plugin talks to the kubelet's socket and never to the API."""
    return _object("v1", "ServiceAccount", options.namespace, automountServiceAccountToken=False)


def _config_map(options: PluginOptions) -> Object:
    return _object("v1", "ConfigMap", options.namespace, data={"config.yaml": config_text(options)})


def _daemon_set(options: PluginOptions) -> Object:
    template = {
        "metadata": {"labels": dict(LABELS), "annotations": {CONFIG_HASH: config_hash(options)}},
        "spec": {
            **_runtime(options),
            "serviceAccountName": NAME,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "priorityClassName": "system-node-critical",
            "nodeSelector": {GPU_LABEL: "true"},
            "tolerations": _tolerations(),
            "containers": [_container(options)],
            "volumes": [
                {"name": "sockets", "hostPath": {"path": f"{options.kubelet_dir}/{_SOCKETS}", "type": "Directory"}},
                {"name": "config", "configMap": {"name": NAME}},
                *_simulated_host(options),
            ],
        },
    }
    spec = {
        "selector": {"matchLabels": dict(LABELS)},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}},
        "template": template,
    }
    return _object("apps/v1", "DaemonSet", options.namespace, spec=spec)


def _container(options: PluginOptions) -> dict[str, t.Any]:
    return {
        "name": NAME,
        "image": options.image,
        "args": [f"--config-file={_CONFIG}/config.yaml"],
        "env": [
            {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
            {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "compute,utility"},
            *([{"name": "SIMULATED_NVML_ROOT", "value": _SIMULATED}] if options.simulated else []),
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        # Root, because the kubelet's folder belongs to root; with no capability beyond that.
        "securityContext": {
            "runAsUser": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            # The plugin knows no other place for its socket than this one.
            {"name": "sockets", "mountPath": "/var/lib/kubelet/device-plugins"},
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
            *([{"name": "simulated", "mountPath": _SIMULATED, "readOnly": True}] if options.simulated else []),
        ],
    }


def _simulated_host(options: PluginOptions) -> list[dict[str, t.Any]]:
    """What the simulated NVML in the image takes for its host: a fault is made there (tools/nvml)."""
    tree = {"path": options.simulated_root, "type": "Directory"}
    return [{"name": "simulated", "hostPath": tree}] if options.simulated else []


def _runtime(options: PluginOptions) -> dict[str, str]:
    return {"runtimeClassName": options.runtime_class} if options.runtime_class else {}


def _tolerations() -> list[dict[str, str]]:
    return [
        {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
    ]
