"""Which components a run touches."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.deployment.choice import Choice, choose
from ansible_collections.harvis.platform.plugins.module_utils.deployment.errors import DeploymentError

WORKERS = ("indexer", "resonance")
EVERYTHING = Choice(WORKERS, True, True, True, True)


@pytest.mark.parametrize(
    ("only", "tags", "expected"),
    [
        ([], ["all"], EVERYTHING),
        ([" "], ["all"], EVERYTHING),
        ([], ["all", "resonance"], Choice(("resonance",), False, False, False, True)),
        (["resonance"], ["all"], Choice(("resonance",), False, False, False, True)),
        ([" resonance ", "indexer"], ["all"], Choice(WORKERS, False, False, False, True)),
        (["workers"], ["all"], Choice(WORKERS, False, False, False, True)),
        (["backend"], ["all"], Choice((), True, False, False, True)),
        (["data"], ["all"], Choice((), False, True, False, False)),
        (["topics"], ["all"], Choice((), False, False, True, False)),
        (["app"], ["all"], Choice((), False, False, False, True)),
        ([], ["verify"], Choice((), False, False, False, False)),
        (["backend"], ["data"], Choice((), True, False, False, True)),
    ],
)
def test_what_is_asked_for_is_touched(only: list[str], tags: list[str], expected: Choice) -> None:
    assert choose(only, tags, WORKERS) == expected


@pytest.mark.parametrize(("only", "tags", "where"), [(["resonanse"], ["all"], "only"), ([], ["resonanse"], "--tags")])
def test_an_unknown_component_is_one_finding_with_all_that_there_are(
    only: list[str], tags: list[str], where: str
) -> None:
    with pytest.raises(DeploymentError) as caught:
        choose(only, tags, WORKERS)
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("PLB-INPUT", where)
    assert finding.fix == (
        "Did you mean resonance? There are: indexer, resonance, backend, data, topics, app, verify, workers."
    )


def test_what_has_no_image_yet_is_made_as_well() -> None:
    chosen = choose(["resonance"], ["all"], WORKERS)
    assert chosen.with_missing({"resonance": "r:1"}, WORKERS) == Choice(WORKERS, True, False, False, True)
    assert chosen.with_missing({"resonance": "r:1", "indexer": "i:1", "backend": "b:1"}, WORKERS) == chosen


def test_without_the_application_no_image_is_needed() -> None:
    chosen = choose(["data"], ["all"], WORKERS)
    assert chosen.with_missing({}, WORKERS) == chosen
