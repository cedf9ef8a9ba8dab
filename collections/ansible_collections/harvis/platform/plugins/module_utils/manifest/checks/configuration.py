"""Detectors of configuration that does not reach the program: ENV-* of ConfigMaps, Secrets and environment."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import Detector
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.changes import (
    idle_checksums,
    unrolled_changes,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.references import lost_references
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.variables import (
    doubled_variables,
    odd_names,
    service_links,
    shadowed_variables,
    white_space,
)

DETECTORS: tuple[Detector, ...] = (
    lost_references,
    shadowed_variables,
    doubled_variables,
    odd_names,
    service_links,
    white_space,
    unrolled_changes,
    idle_checksums,
)
