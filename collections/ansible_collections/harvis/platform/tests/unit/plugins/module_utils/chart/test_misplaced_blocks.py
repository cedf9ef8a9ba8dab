"""Blocks that Kubernetes knows, under a parent where it does not look for them."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.checks.misplaced import misplaced_blocks
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.chart.hand_made import (
    CONTAINERS,
    made,
    read,
    told,
    workload,
)

POD = "/spec/template/spec"


def landing(block: str, field: str, kind: str = "Deployment", api: str = "apps/v1") -> AuditSubject:
    """``web.BLOCK`` with one leaf, whose value lands at the field."""
    return made(
        f"web: {{{block}: {{disk: ssd}}}}\n",
        effects={f"web.{block}": f"{kind}/web:{field}"},
        reads=[
            read(f"web.{block}", "web.yaml:7", use="test"),
            read(f"web.{block}", "web.yaml:8", whole=True),
        ],
        objects=[workload("web", kind=kind, api=api)],
    )


FOUND = [
    ("nodeSelector", f"{CONTAINERS}/0/nodeSelector", "Deployment"),
    ("nodeSelector", "/spec/nodeSelector", "Deployment"),
    ("tolerations", "/spec/template/tolerations", "StatefulSet"),
    ("livenessProbe", f"{POD}/livenessProbe", "Deployment"),
    ("resources", f"{CONTAINERS}/0/securityContext/resources", "Deployment"),
    ("resources", "/spec/jobTemplate/spec/template/resources", "CronJob"),
]
HEALTHY = [
    ("nodeSelector", f"{POD}/nodeSelector", "Deployment"),
    ("nodeSelector", "/spec/jobTemplate/spec/template/spec/nodeSelector", "CronJob"),
    ("nodeSelector", "/spec/nodeSelector", "Pod"),
    ("livenessProbe", f"{CONTAINERS}/0/livenessProbe", "Deployment"),
    ("resources", f"{CONTAINERS}/1/resources", "DaemonSet"),
    ("resources", "/spec/volumeClaimTemplates/0/spec/resources", "StatefulSet"),
    # A custom resource has a place of its own for it, and so has a block of another name.
    ("nodeSelector", "/spec/placement/nodeSelector", "Cluster"),
    ("selector", f"{CONTAINERS}/0/nodeSelector", "Deployment"),
]


@pytest.mark.parametrize(("block", "field", "kind"), FOUND)
def test_a_block_under_the_wrong_parent(block: str, field: str, kind: str) -> None:
    # On the line that prints the block rather than the one that asks for it.
    assert told([misplaced_blocks], landing(block, field, kind)) == [
        ("VAL-NESTED", "templates/web.yaml", 8, f"web.{block}")
    ]


@pytest.mark.parametrize(("block", "field", "kind"), HEALTHY)
def test_a_block_where_it_belongs(block: str, field: str, kind: str) -> None:
    assert told([misplaced_blocks], landing(block, field, kind)) == []


def test_a_kind_of_that_name_from_elsewhere() -> None:
    field = "/spec/tasks/0/template/spec/nodeSelector"

    assert told([misplaced_blocks], landing("nodeSelector", field, "Job", "batch.volcano.sh/v1alpha1")) == []
    assert len(told([misplaced_blocks], landing("nodeSelector", field, "Job", "batch/v1"))) == 1


def test_a_key_of_a_block_that_lost_the_key_above_it() -> None:
    (item,) = misplaced_blocks(landing("nodeSelector", f"{CONTAINERS}/0"))

    assert item.cause == (
        f"web.nodeSelector lands under {CONTAINERS}/0, where Kubernetes does not look for nodeSelector"
    )


READ_AGAIN = [
    ("livenessProbe", "path", f"{CONTAINERS}/0/readinessProbe/httpGet/path"),
    ("livenessProbe", "periodSeconds", f"{CONTAINERS}/0/readinessProbe/periodSeconds"),
    ("affinity", "type", "/spec/strategy/type"),
    ("resources", "name", f"{CONTAINERS}/0/name"),
]


@pytest.mark.parametrize(("block", "key", "field"), READ_AGAIN)
def test_one_value_of_a_block_that_something_else_reads(block: str, key: str, field: str) -> None:
    given = made(
        f"web: {{{block}: {{{key}: x}}}}\n",
        effects={f"web.{block}.{key}": f"Deployment/web:{field}"},
        reads=[read(f"web.{block}.{key}", "web.yaml:8")],
        objects=[workload("web")],
    )

    assert told([misplaced_blocks], given) == []


def test_a_line_is_named_once_for_all_the_leaves_of_its_block() -> None:
    given = made(
        "web: {nodeSelector: {disk: ssd, zone: a}}\n",
        effects={"web.nodeSelector": f"Deployment/web:{CONTAINERS}/0/nodeSelector"},
        reads=[read("web.nodeSelector", "web.yaml:8", whole=True)],
        objects=[workload("web")],
    )

    assert len(told([misplaced_blocks], given)) == 1
