"""Detectors of what a release's network cannot do: NET-*."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import Detector
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.addresses import (
    localhost_addresses,
    unknown_ports,
    unknown_services,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.pools import unadvertised_pools
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.services import (
    lost_selectors,
    shared_services,
    target_ports,
)

DETECTORS: tuple[Detector, ...] = (
    localhost_addresses,
    unknown_services,
    unknown_ports,
    lost_selectors,
    shared_services,
    target_ports,
    unadvertised_pools,
)
