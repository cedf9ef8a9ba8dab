"""``ClusterSpec``: everything that decides what an embedded cluster looks like, and where its parts lie."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError

KUBERNETES_FOLDERS = (Path("/etc/kubernetes"), Path("/var/lib/kubelet"), Path("/var/lib/etcd"))
CA_CERTIFICATE = Path("/etc/kubernetes/pki/ca.crt")
IMAGE_REPOSITORY = "harvis.local"


class ClusterError(HarvisError):
    """The embedded cluster cannot be made, adopted or taken down."""


@dataclass(frozen=True)
class ClusterSpec:
    """One embedded cluster.

    ``version`` is Kubernetes' (``v1.34.4``); ``bin_dir`` holds the programs; ``address`` is the node's IPv4 address;
    ``volumes`` are folders for hostPath volumes, owned by the user id ``volume_owner``.
    """

    version: str
    etcd_version: str
    coredns_version: str
    pause_version: str
    address: str
    node_name: str
    bin_dir: Path
    data_dir: Path
    run_dir: Path
    pod_subnet: str
    service_subnet: str
    volumes: tuple[str, ...] = ()
    volume_owner: int = 10001

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> ClusterSpec:
        kinds: dict[str, t.Callable[[t.Any], t.Any]] = {
            **dict.fromkeys(("bin_dir", "data_dir", "run_dir"), Path),
            "volumes": tuple,
        }
        given = {k: params[k] for k in cls.__dataclass_fields__ if k in params}
        return cls(**{k: kinds.get(k, lambda same: same)(v) for k, v in given.items()})

    @property
    def socket(self) -> Path:
        return self.run_dir / "containerd" / "containerd.sock"

    @property
    def containerd_root(self) -> Path:
        return self.data_dir / "containerd"

    @property
    def mark(self) -> Path:
        return self.data_dir / "cluster.json"

    @property
    def admin_conf(self) -> Path:
        return Path("/etc/kubernetes/admin.conf")

    @property
    def volume_folders(self) -> list[Path]:
        return [self.data_dir / "volumes" / name for name in self.volumes]

    def program(self, name: str) -> str:
        return str(self.bin_dir / name)

    @property
    def images(self) -> dict[str, str]:
        """Program -> image reference, under the names that kubeadm will ask for."""
        versions = {
            **dict.fromkeys(
                ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"), self.version
            ),
            "etcd": self.etcd_version,
            "coredns": self.coredns_version,
            "pause": self.pause_version,
        }
        return {name: f"{IMAGE_REPOSITORY}/{name}:{version}" for name, version in versions.items()}
