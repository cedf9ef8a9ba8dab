"""Whether a group keeps up, from two looks at it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.groups import Group, GroupState, prove_groups

GROUP = Group("indexer", ("anchors-write",), 1)
A, B = ("anchors-write", 0), ("anchors-write", 1)


def state(members: int, committed: int, waiting: int) -> GroupState:
    return GroupState(members, {A: committed, B: 5}, {A: waiting, B: 0})


class Broker:
    """Shows one state after the other."""

    def __init__(self, *states: GroupState) -> None:
        self.states = list(states)

    def groups(self, _wanted: t.Sequence[Group]) -> dict[str, GroupState]:
        return {GROUP.name: self.states.pop(0)}


CASES = [
    ("keeps up", [state(1, 10, 0)], None),
    ("has one message in hand", [state(1, 10, 1)], None),
    ("catches up", [state(1, 10, 90), state(1, 60, 40)], None),
    ("caught up", [state(1, 10, 90), state(1, 100, 0)], None),
    ("holds its lag", [state(1, 10, 90), state(1, 60, 90)], None),
    (
        "falls behind",
        [state(1, 10, 90), state(1, 60, 200)],
        "it falls behind: 90 messages waited, and 200 do 15 s later",
    ),
    (
        "does not move",
        [state(1, 10, 90), state(1, 10, 90)],
        "it does not move: 90 messages wait, and nothing was committed in 15 s",
    ),
    ("nobody is there", [state(0, 10, 3), state(0, 10, 4)], "it has no member, and 4 messages wait for one"),
    ("nobody is there, and nothing waits", [state(0, 10, 0)], "it has no member, and 0 messages wait for one"),
]


@pytest.mark.fault("F80", code="KFK-LAG", when="after deploy", by="recorded cluster")
@pytest.mark.fault("F81", code="KFK-LAG", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(("states", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_group_is_judged_by_what_changes(states: list[GroupState], cause: str | None) -> None:
    slept: list[float] = []

    [proof] = prove_groups(Broker(*states), [GROUP], 15, slept.append)

    assert [finding.cause for finding in proof.findings] == ([cause] if cause else [])
    assert proof.row.passed is (cause is None)
    assert slept == [15] * (len(states) - 1)


def test_members_are_counted() -> None:
    wanted = Group("indexer", ("anchors-write",), 3)

    [proof] = prove_groups(Broker(state(2, 1, 0)), [wanted], 15, lambda _seconds: None)

    assert [finding.cause for finding in proof.findings] == ["it has 2 of 3 members"]
