"""The embedded cluster: kubeadm's Kubernetes on one host, owned by a mark, made and taken down whole."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.cluster.embedded import EmbeddedCluster
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterError, ClusterSpec

__all__ = ["ClusterError", "ClusterSpec", "EmbeddedCluster"]
