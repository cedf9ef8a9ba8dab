"""Live resources against the values, however the quantities are written."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.rollout.limits import shown, wrong_limits

Resources = dict[str, t.Any] | None
CASES: list[tuple[str, Resources, Resources, bool]] = [
    ("both empty", {}, {}, True),
    ("both left out", None, None, True),
    ("empty maps", {"limits": {}}, {"requests": {}}, True),
    ("same", {"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1Gi"}}, True),
    ("other unit", {"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1024Mi"}}, True),
    ("bytes as a number", {"limits": {"memory": "1Gi"}}, {"limits": {"memory": 1073741824}}, True),
    ("milli", {"requests": {"cpu": "1"}}, {"requests": {"cpu": "1000m"}}, True),
    ("fraction as a number", {"requests": {"cpu": "500m"}}, {"requests": {"cpu": 0.5}}, True),
    ("request filled in", {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}, {"limits": {"cpu": 2}}, True),
    ("decimal and binary", {"limits": {"memory": "1G"}}, {"limits": {"memory": "1Gi"}}, False),
    ("lower limit", {"limits": {"memory": "512Mi"}}, {"limits": {"memory": "1Gi"}}, False),
    ("limit lost", {}, {"limits": {"memory": "1Gi"}}, False),
    ("limit added", {"limits": {"memory": "1Gi"}}, {}, False),
    ("lower request", {"limits": {"cpu": 2}, "requests": {"cpu": 1}}, {"limits": {"cpu": 2}}, False),
    ("zero is none", {"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1Gi", "nvidia.com/gpu": 0}}, True),
    ("a request of zero", {"limits": {"cpu": 1}, "requests": {"cpu": 0}}, {"limits": {"cpu": 1}}, False),
    ("no GPU", {"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1Gi", "nvidia.com/gpu": 1}}, False),
]


@pytest.mark.parametrize(("live", "wanted", "same"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_quantities_are_compared_as_amounts(make: t.Any, live: Resources, wanted: Resources, same: bool) -> None:
    pod = make.pod()
    pod["spec"]["containers"][0]["resources"] = live

    found = wrong_limits([pod], "indexer", wanted)

    assert [finding.code for finding in found] == ([] if same else ["ROL-LIMITS"])


def test_the_finding_says_both_sides(make: t.Any) -> None:
    [found] = wrong_limits([make.pod()], "indexer", {"limits": {"memory": "1Gi", "nvidia.com/gpu": 1}})

    assert found.cause == "has memory 256Mi of 256Mi"
    assert found.evidence == "the values say memory 1Gi of 1Gi, nvidia.com/gpu 1 of 1"


def test_a_container_that_is_not_there_is_a_finding(make: t.Any) -> None:
    assert [f.cause for f in wrong_limits([make.pod()], "other", {})] == ["the pod has no such container"]


@pytest.mark.parametrize("text", ["plenty", "1 GiB", "", None])
def test_what_is_no_quantity_is_refused(make: t.Any, text: str | None) -> None:
    with pytest.raises(HarvisError, match="PLB-INPUT vhm/indexer"):
        wrong_limits([make.pod()], "indexer", {"limits": {"memory": text}})


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (None, "no requests and no limits"),
        ({"requests": {"cpu": "100m"}}, "cpu 100m of no limit"),
        ({"requests": {"cpu": "100m"}, "limits": {"cpu": 1, "memory": "1Gi"}}, "cpu 100m of 1, memory 1Gi of 1Gi"),
    ],
)
def test_resources_are_shown_in_the_manifests_words(resources: Resources, words: str) -> None:
    assert shown(resources) == words
