"""kubeadm's configuration documents (kubeadm.k8s.io/v1beta4), as JSON, which is YAML."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import IMAGE_REPOSITORY, ClusterSpec

# Looked at by our own pre-flight with clearer words, or meaningless without systemd and a kernel module folder.
IGNORED_CHECKS = (
    "SystemVerification",
    "Swap",
    "NumCPU",
    "Mem",
    "Hostname",
    "Service-Kubelet",
    "Service-Containerd",
    "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables",
    "FileContent--proc-sys-net-ipv4-ip_forward",
    "FileExisting-crictl",
    "FileExisting-conntrack",
    "FileExisting-ethtool",
    "FileExisting-socat",
    "FileExisting-tc",
    "FileExisting-ebtables",
    "FileAvailable--etc-kubernetes-kubelet.conf",
    "DirAvailable--var-lib-etcd",
    "KubeletVersion",
    "ContainerRuntimeVersion",
    "Port-10250",
)

RESOLVED = Path("/run/systemd/resolve/resolv.conf")


def init_documents(spec: ClusterSpec, *, cgroup_driver: str) -> str:
    """All documents of ``kubeadm init --config``."""
    documents = (_init(spec), _cluster(spec), _kubelet(spec, cgroup_driver), _proxy(spec))
    return "\n---\n".join(json.dumps(d, indent=1) for d in documents) + "\n"


def _init(spec: ClusterSpec) -> dict[str, t.Any]:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": spec.address, "bindPort": 6443},
        "nodeRegistration": {
            "name": spec.node_name,
            "criSocket": f"unix://{spec.socket}",
            "imagePullPolicy": "Never",
            "taints": [],
        },
    }


def _cluster(spec: ClusterSpec) -> dict[str, t.Any]:
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": "harvis",
        "kubernetesVersion": spec.version,
        "imageRepository": IMAGE_REPOSITORY,
        "networking": {"podSubnet": spec.pod_subnet, "serviceSubnet": spec.service_subnet},
        "etcd": {"local": {"imageTag": spec.etcd_version, "dataDir": "/var/lib/etcd"}},
        "dns": {"imageTag": spec.coredns_version},
    }


def _kubelet(spec: ClusterSpec, cgroup_driver: str) -> dict[str, t.Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": cgroup_driver,
        "failSwapOn": False,
        "failCgroupV1": False,
        "containerRuntimeEndpoint": f"unix://{spec.socket}",
        "resolvConf": resolv_conf(),
        # Images built here can be pulled from nowhere: disk pressure must not take them (kubernetes#81756).
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def _proxy(spec: ClusterSpec) -> dict[str, t.Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": spec.pod_subnet,
        # The kernel's own limit is kept: in a container it cannot be written.
        "conntrack": {"maxPerCore": 0},
    }


def resolv_conf() -> str:
    """systemd-resolved's stub answers on loopback, where no pod can reach it."""
    return str(RESOLVED) if RESOLVED.exists() else "/etc/resolv.conf"
