"""The exception of this concept."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError


class DeploymentError(HarvisError):
    """A deployment that must not begin."""
