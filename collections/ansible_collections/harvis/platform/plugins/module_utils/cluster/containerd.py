"""Configuration of our own containerd and of the pod network; nothing in /etc is edited."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec

CNI_PLUGINS = ("/usr/lib/cni", "/opt/cni/bin")


def containerd_toml(spec: ClusterSpec, *, systemd_cgroup: bool, confined: bool) -> str:
    """containerd's configuration (version 2 format, containerd 1.6 and later).

    ``confined``: the host may not load AppArmor profiles or lower OOM scores, as inside a container.
    """
    flag = {True: "true", False: "false"}
    return f"""version = 2
root = "{spec.containerd_root}"
state = "{spec.run_dir}/containerd"
oom_score = 0

[grpc]
  address = "{spec.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{spec.images["pause"]}"
  disable_apparmor = {flag[confined]}
  restrict_oom_score_adj = {flag[confined]}

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{next((p for p in CNI_PLUGINS if Path(p).is_dir()), CNI_PLUGINS[0])}"
  conf_dir = "{cni_folder(spec)}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = {flag[systemd_cgroup]}
"""


def cni_folder(spec: ClusterSpec) -> Path:
    return spec.data_dir / "cni" / "net.d"


def cni_conflist(spec: ClusterSpec) -> str:
    """Pod network of a single node (https://www.cni.dev/plugins/current/main/ptp/).

    Routed pairs instead of a bridge: replies between pods then pass the host, where kube-proxy's address
    translation is undone, without the br_netfilter module.
    """
    network = {
        "cniVersion": "1.0.0",
        "name": "harvis",
        "plugins": [
            {
                "type": "ptp",
                "mtu": 1450,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": spec.pod_subnet}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(spec.run_dir / "cni"),
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    return json.dumps(network, indent=1) + "\n"
