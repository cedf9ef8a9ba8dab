"""The tools that are recognised."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.gitops.argo import ArgoApplication
from ansible_collections.harvis.platform.plugins.module_utils.gitops.flux_kustomization import FluxKustomization
from ansible_collections.harvis.platform.plugins.module_utils.gitops.flux_release import FluxRelease
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Tool

TOOLS: tuple[Tool, ...] = (FluxRelease(), FluxKustomization(), ArgoApplication())
