"""What kubeadm, containerd and the pod network are told."""

from __future__ import annotations

import json
import tomllib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster import containerd, kubeadm
from ansible_collections.harvis.platform.tests.unit.fakes import cluster_spec


@pytest.mark.parametrize("driver", ["systemd", "cgroupfs"])
def test_kubeadm_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    monkeypatch.setattr(kubeadm, "RESOLVED", tmp_path / "absent")
    spec = cluster_spec(tmp_path)
    socket = f"unix://{tmp_path}/run/containerd/containerd.sock"

    documents = [json.loads(d) for d in kubeadm.init_documents(spec, cgroup_driver=driver).split("\n---\n")]

    assert documents == [
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": "192.0.2.10", "bindPort": 6443},
            "nodeRegistration": {
                "name": "workstation",
                "criSocket": socket,
                "imagePullPolicy": "Never",
                "taints": [],
            },
        },
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "clusterName": "harvis",
            "kubernetesVersion": "v1.34.4",
            "imageRepository": "harvis.local",
            "networking": {"podSubnet": "10.244.0.0/24", "serviceSubnet": "10.96.0.0/16"},
            "etcd": {"local": {"imageTag": "v3.6.4", "dataDir": "/var/lib/etcd"}},
            "dns": {"imageTag": "v1.12.4"},
        },
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "cgroupDriver": driver,
            "failSwapOn": False,
            "failCgroupV1": False,
            "containerRuntimeEndpoint": socket,
            "resolvConf": "/etc/resolv.conf",
            "imageGCHighThresholdPercent": 99,
            "imageGCLowThresholdPercent": 98,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        },
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": "10.244.0.0/24",
            "conntrack": {"maxPerCore": 0},
        },
    ]


def test_pods_ask_the_resolver_behind_the_stub_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = tmp_path / "resolv.conf"
    upstream.write_text("nameserver 192.0.2.53\n")
    monkeypatch.setattr(kubeadm, "RESOLVED", upstream)

    assert kubeadm.resolv_conf() == str(upstream)


def test_images_have_the_names_that_kubeadm_asks_for(tmp_path: Path) -> None:
    assert cluster_spec(tmp_path).images == {
        "kube-apiserver": "harvis.local/kube-apiserver:v1.34.4",
        "kube-controller-manager": "harvis.local/kube-controller-manager:v1.34.4",
        "kube-scheduler": "harvis.local/kube-scheduler:v1.34.4",
        "kube-proxy": "harvis.local/kube-proxy:v1.34.4",
        "etcd": "harvis.local/etcd:v3.6.4",
        "coredns": "harvis.local/coredns:v1.12.4",
        "pause": "harvis.local/pause:v1",
    }


MODES = [
    pytest.param(True, False, id="host with systemd"),
    pytest.param(False, True, id="container without systemd"),
]


@pytest.mark.parametrize(("systemd_cgroup", "confined"), MODES)
def test_containerd_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, systemd_cgroup: bool, confined: bool
) -> None:
    plugins = tmp_path / "opt" / "cni"
    plugins.mkdir(parents=True)
    monkeypatch.setattr(containerd, "CNI_PLUGINS", (str(tmp_path / "absent"), str(plugins)))
    spec = cluster_spec(tmp_path)

    config = tomllib.loads(containerd.containerd_toml(spec, systemd_cgroup=systemd_cgroup, confined=confined))

    assert config == {
        "version": 2,
        "root": f"{tmp_path}/data/containerd",
        "state": f"{tmp_path}/run/containerd",
        "oom_score": 0,
        "grpc": {"address": f"{tmp_path}/run/containerd/containerd.sock"},
        "plugins": {
            "io.containerd.grpc.v1.cri": {
                "sandbox_image": "harvis.local/pause:v1",
                "disable_apparmor": confined,
                "restrict_oom_score_adj": confined,
                "cni": {"bin_dir": str(plugins), "conf_dir": f"{tmp_path}/data/cni/net.d"},
                "containerd": {
                    "runtimes": {
                        "runc": {
                            "runtime_type": "io.containerd.runc.v2",
                            "options": {"SystemdCgroup": systemd_cgroup},
                        }
                    }
                },
            }
        },
    }


def test_pod_network(tmp_path: Path) -> None:
    spec = cluster_spec(tmp_path, pod_subnet="10.1.0.0/24")

    network: dict[str, t.Any] = json.loads(containerd.cni_conflist(spec))

    assert network == {
        "cniVersion": "1.0.0",
        "name": "harvis",
        "plugins": [
            {
                "type": "ptp",
                "mtu": 1450,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": "10.1.0.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": f"{tmp_path}/run/cni",
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
