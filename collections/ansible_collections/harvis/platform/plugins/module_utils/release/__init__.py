"""Helm releases: desired and live state, drift, upgrade, recovery."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_absent, ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.info import release_info
from ansible_collections.harvis.platform.plugins.module_utils.release.rollback import ensure_rolled_back
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.verification import mark

__all__ = [
    "Helm",
    "ReleaseError",
    "ReleaseSpec",
    "ensure_absent",
    "ensure_present",
    "ensure_rolled_back",
    "mark",
    "release_info",
]
