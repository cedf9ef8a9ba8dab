"""The module itself; what it judges by is tested with its concept."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import broker_error
from ansible_collections.harvis.platform.plugins.module_utils.broker.group_admin import GroupAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.groups import Group, GroupState
from ansible_collections.harvis.platform.plugins.modules import kafka_groups_info
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

ARGUMENTS = {"bootstrap": "192.0.2.2:9092", "groups": [{"name": "indexer", "topics": ["anchors-write"]}]}


def shows(monkeypatch: pytest.MonkeyPatch, members: int) -> None:
    def groups(_admin: GroupAdmin, wanted: t.Sequence[Group]) -> dict[str, GroupState]:
        return {group.name: GroupState(members) for group in wanted}

    monkeypatch.setattr(GroupAdmin, "groups", groups)


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_group_that_keeps_up(monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    shows(monkeypatch, 1)

    result = run_main(kafka_groups_info.main, ARGUMENTS, check_mode=check_mode)

    assert (result["changed"], result["passed"], result["findings"]) == (False, True, [])
    assert [(row["check"], row["subject"]) for row in result["rows"]] == [("consumers", "indexer")]


@pytest.mark.parametrize("report_only", [False, True])
def test_a_group_without_members(monkeypatch: pytest.MonkeyPatch, report_only: bool) -> None:
    shows(monkeypatch, 0)

    result = run_main(kafka_groups_info.main, {**ARGUMENTS, "report_only": report_only})

    assert result.get("failed", False) is not report_only
    assert [finding["code"] for finding in result["findings"]] == ["KFK-LAG"]


@pytest.mark.parametrize("report_only", [False, True])
def test_a_broker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, report_only: bool) -> None:
    def refuse(_admin: GroupAdmin, _wanted: t.Sequence[Group]) -> t.NoReturn:
        raise broker_error("KFK-UNREACHABLE", "broker", "no broker answers")

    monkeypatch.setattr(GroupAdmin, "groups", refuse)

    result = run_main(kafka_groups_info.main, {**ARGUMENTS, "report_only": report_only})

    assert result.get("failed", False) is not report_only
    assert [finding["code"] for finding in result["findings"]] == ["KFK-UNREACHABLE"]
