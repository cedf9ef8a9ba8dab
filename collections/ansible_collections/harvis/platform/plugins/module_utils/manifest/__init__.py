"""Kubernetes objects as an audit sees them: rendered by a chart or lying in files, with the lines they come from."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Lines, Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, Pod, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import read_manifests, read_rendered

__all__ = ["Container", "KubernetesObject", "Lines", "Objects", "Pod", "pods", "read_manifests", "read_rendered"]
