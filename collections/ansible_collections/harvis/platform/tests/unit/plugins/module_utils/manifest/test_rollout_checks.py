"""ROL-ZEROWAIT and ROL-REPLICAS."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.rollout import DETECTORS
from ansible_collections.harvis.platform.plugins.module_utils.manifest.updates import surge_and_unavailable
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    found,
    subject,
)

ROLLING = "strategy: {rollingUpdate: {maxSurge: %s, maxUnavailable: %s}}"
UPDATES = [
    ("", (1, 0)),
    ("replicas: 4", (1, 1)),
    ("replicas: 5", (2, 1)),
    ("replicas: 0", (0, 1)),
    ("replicas: 10\n" + ROLLING % ("10%", "35%"), (1, 3)),
    (ROLLING % (0, "25%"), (0, 1)),
    (ROLLING % (2, 0), (2, 0)),
    ("replicas: 3\nstrategy: {type: Recreate}", (0, 3)),
]


@pytest.mark.parametrize(("spec", "wanted"), UPDATES)
def test_surge_and_unavailable_are_rounded_as_kubernetes_does(spec: str, wanted: tuple[int, int]) -> None:
    (item,) = subject(deployment(spec=spec)).objects

    assert surge_and_unavailable(item) == wanted


ZERO = [
    ("", False),
    (ROLLING % (1, 1), True),
    (ROLLING % (0, "50%"), True),
    ("replicas: 2\n" + ROLLING % (1, 1), False),
    ("replicas: 2\n" + ROLLING % (0, "100%"), True),
    ("replicas: 0\n" + ROLLING % (1, 1), False),
    ("strategy: {type: Recreate}", False),
]


@pytest.mark.parametrize(("spec", "wanted"), ZERO)
def test_a_rollout_that_waits_for_nobody(spec: str, wanted: bool) -> None:
    assert found(DETECTORS, subject(deployment(spec=spec))) == (
        [("ROL-ZEROWAIT", "/spec/strategy/rollingUpdate/maxUnavailable")] if wanted else []
    )


AUTOSCALER = """
---
apiVersion: {api}
kind: {kind}
metadata: {{name: web}}
spec: {{scaleTargetRef: {target}}}
"""
HPA = AUTOSCALER.format(api="autoscaling/v2", kind="HorizontalPodAutoscaler", target="{kind: Deployment, name: web}")
OTHER = AUTOSCALER.format(api="autoscaling/v2", kind="HorizontalPodAutoscaler", target="{kind: Deployment, name: api}")
KEDA = AUTOSCALER.format(api="keda.sh/v1alpha1", kind="ScaledObject", target="{name: web}")


@pytest.mark.parametrize(
    ("spec", "autoscaler", "wanted"),
    [
        ("replicas: 2", HPA, 1),
        ("replicas: 2", KEDA, 1),
        ("", HPA, 0),
        ("replicas: 2", OTHER, 0),
        ("replicas: 2", "", 0),
    ],
)
def test_replicas_with_two_owners(spec: str, autoscaler: str, wanted: int) -> None:
    given = subject(deployment(spec=spec) + autoscaler)

    assert found(DETECTORS, given) == [("ROL-REPLICAS", "/spec/replicas")] * wanted
