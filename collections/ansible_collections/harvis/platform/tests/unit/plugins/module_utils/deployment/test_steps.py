"""What the results of tasks tell of components."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.deployment.steps import (
    Board,
    Step,
    failed_steps,
    steps_of,
)

TAG = "sha256-0123456789abcdef"
Result = dict[str, t.Any]
TOLD: list[tuple[str, Result, Result, list[Step]]] = [
    (
        "image_build",
        {},
        {
            "images": {
                "vhm-indexer": {"changed": True, "seconds": 3.25},
                "vhm-reteller": {"changed": False, "seconds": 0},
            }
        },
        [Step("indexer", "built", "3.2 s", 3.25, True), Step("reteller", "built", "as is", 0)],
    ),
    (
        "image_deliver",
        {},
        {"images": {f"h/harvis-backend:{TAG}": {"changed": True}, f"h/vhm-indexer:{TAG}": {"changed": False}}},
        [Step("backend", "delivered", "2.0 s", 2.0, True), Step("indexer", "delivered", "as is", 0.0)],
    ),
    ("helm_release", {"name": "prod"}, {"changed": True}, [Step("prod", "rolled out", "2.0 s", 2.0, True)]),
    ("helm_release", {"name": "prod"}, {"changed": False}, [Step("prod", "rolled out", "as is", 0.0)]),
    (
        "helm_release",
        {"name": "prod", "_ansible_check_mode": True},
        {"changed": True},
        [Step("prod", "rolled out", "due", 0.0)],
    ),
    ("kafka_topics", {}, {"changed": False}, [Step("topics", "rolled out", "as is", 0.0)]),
    (
        "rollout_info",
        {},
        {"passed": True, "rows": [{"check": "pods"}]},
        [Step("pods", "verified", "2.0 s", 2.0)],
    ),
    (
        "endpoint_check",
        {},
        {"passed": False, "rows": [{"check": "chat"}]},
        [Step("answers", "verified", "failed", 2.0, failed=True)],
    ),
    ("helm_release", {"name": "prod"}, {"skipped": True}, []),
    ("host_facts", {}, {"changed": False}, []),
]


@pytest.mark.parametrize(("action", "args", "result", "expected"), TOLD, ids=[row[0] for row in TOLD])
def test_a_result_tells_of_its_components(action: str, args: Result, result: Result, expected: list[Step]) -> None:
    assert steps_of(f"harvis.platform.{action}", args, result, 2.0) == expected


def test_a_task_that_failed_tells_what_it_was_asked_for() -> None:
    images = [{"name": "vhm-indexer"}, {"name": "harvis-backend"}]
    assert failed_steps("harvis.platform.image_build", {"images": images}, 1.0) == [
        Step("indexer", "built", "failed", 1.0, failed=True),
        Step("backend", "built", "failed", 1.0, failed=True),
    ]
    # Arguments that could not be filled in are still the text of a template.
    assert [step.component for step in failed_steps("harvis.platform.image_deliver", {"images": "{{ x }}"}, 1)] == [
        "images"
    ]
    assert failed_steps("ansible.builtin.copy", {}, 1.0) == []


def test_the_table_has_a_line_for_each_component_on_each_host() -> None:
    board = Board()
    board.add("two", Step("indexer", "built", "3.2 s", 3.2, True))
    board.add("one", Step("indexer", "built", "as is", 0.0))
    board.add("two", Step("indexer", "delivered", "0.5 s", 0.5, True))
    board.stop("one", "Release the application")
    board.stop("one", "a consequence")
    assert board.table() == [
        "host  component  built  delivered  rolled out  verified  seconds",
        "one   indexer    as is  -          -           -         0.0",
        "two   indexer    3.2 s  0.5 s      -           -         3.7",
        "one stopped at: Release the application",
    ]


def test_without_components_there_is_no_table() -> None:
    assert Board().table() == []


def test_a_line_says_host_component_stage_and_seconds() -> None:
    assert Step("indexer", "built", "3.2 s", 3.25, True).line("one") == "one: indexer built (3.2 s)"
    assert Step("prod", "rolled out", "failed", 9, failed=True).line("one") == "one: prod rolled out failed (9.0 s)"


def test_a_loop_over_releases_tells_of_each_by_its_own_name() -> None:
    results = [{"changed": name == "app", "release": {"name": name}} for name in ("data", "app")]
    told = steps_of("harvis.platform.helm_release", {"name": "{{ item.name }}"}, {"results": results}, 4.0)
    assert [(step.component, step.outcome) for step in told] == [("data", "as is"), ("app", "4.0 s")]
