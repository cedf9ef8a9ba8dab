"""Reading and writing Kubernetes objects as plain dictionaries, through the ``kubernetes`` library."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.kube.client import Cluster, KubeClient, connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.errors import ApiRefusal, ClusterError, UnknownKind
from ansible_collections.harvis.platform.plugins.module_utils.kube.objects import Object, ObjectRef

__all__ = ["ApiRefusal", "Cluster", "ClusterError", "KubeClient", "Object", "ObjectRef", "UnknownKind", "connect"]
