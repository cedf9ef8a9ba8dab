"""Every detector there is, in the order in which they run."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import Detector
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks import (
    duplicates,
    lists,
    misplaced,
    numbers,
    open_schema,
    random_output,
    stale,
    types,
    undefined,
    unused,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks import (
    configuration,
    consent,
    gitops,
    gpu,
    images,
    kafka,
    kafka_sources,
    kinds,
    network,
    probe_commands,
    probes,
    resources,
    rollout,
    secrets,
    volumes,
)

MODULES = (
    duplicates,
    lists,
    misplaced,
    numbers,
    open_schema,
    random_output,
    stale,
    types,
    undefined,
    unused,
    configuration,
    consent,
    gitops,
    gpu,
    images,
    kafka,
    kafka_sources,
    kinds,
    network,
    probe_commands,
    probes,
    resources,
    rollout,
    secrets,
    volumes,
)
DETECTORS: tuple[Detector, ...] = tuple(detector for module in MODULES for detector in module.DETECTORS)
