from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.broker.converge import converge_topics
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import FoundTopic, Topic
from ansible_collections.harvis.platform.plugins.modules import kafka_topics

WANTED = [Topic("new", 3, config={"retention.ms": "5"}), Topic("small", 4), Topic("old", absent=True)]


@pytest.fixture
def admin(fake_admin: t.Any) -> t.Any:
    return fake_admin(FoundTopic("small", 1, 1), FoundTopic("old", 1, 1), FoundTopic("typo", 1, 1))


def test_topics_become_as_described_and_stay_so(admin: t.Any) -> None:
    result = converge_topics(admin, WANTED, check_mode=False)
    assert result["reasons"] == ["topic new is missing", "topic small: partitions 1 -> 4", "topic old is there"]
    assert result["topics"] == {
        "new": {"partitions": 3, "replication_factor": 1, "config": {"retention.ms": "5"}},
        "small": {"partitions": 4, "replication_factor": 1, "config": {}},
    }
    assert result["unknown"] == ["typo"]
    again = converge_topics(admin, WANTED, check_mode=False)
    assert (again["changed"], again["diff"]) == (False, {"before": {}, "after": {}})
    assert len(admin.applied) == 1


def test_check_mode_foresees_it_and_writes_nothing(admin: t.Any) -> None:
    foreseen = converge_topics(admin, WANTED, check_mode=True)
    assert admin.applied == []
    assert foreseen["diff"]["before"]["small"]["partitions"] == 1
    assert foreseen["diff"]["after"]["small"]["partitions"] == 4
    assert foreseen["topics"]["new"] == {
        "partitions": 3,
        "replication_factor": None,
        "config": {"retention.ms": "5"},
    }
    assert "old" not in foreseen["topics"]


def test_what_can_be_mended_is_mended_before_the_failure(admin: t.Any) -> None:
    admin.found["big"] = FoundTopic("big", 9, 1)
    with pytest.raises(BrokerError, match="KFK-DRIFT topic big") as caught:
        converge_topics(admin, [Topic("big", 3), Topic("small", 2)], check_mode=False)
    assert admin.found["small"].partitions == 2
    assert caught.value.details["changed"] is True
    assert caught.value.details["reasons"] == ["topic small: partitions 1 -> 2"]


def test_a_topic_described_twice_is_refused(admin: t.Any) -> None:
    with pytest.raises(BrokerError, match="PLB-INPUT topic a: it is described twice"):
        converge_topics(admin, [Topic("a", 1), Topic("a", 2)], check_mode=False)


@pytest.fixture
def answer(
    admin: t.Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> t.Callable[..., dict[str, t.Any]]:
    """The module's answer, with ``admin`` in the broker's place."""
    monkeypatch.setattr(kafka_topics, "KafkaAdmin", lambda *_: admin)

    def run(expected_rc: int, topics: list[dict[str, t.Any]], **more: t.Any) -> dict[str, t.Any]:
        given = {"bootstrap": "broker:9092", "topics": topics, **more}
        with patch_module_args(given), pytest.raises(SystemExit) as ended:
            kafka_topics.main()
        assert ended.value.code == expected_rc
        found: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def test_the_module_says_what_it_changed(answer: t.Any) -> None:
    found = answer(0, [{"name": "small", "partitions": 2}])
    assert (found["changed"], found["reasons"]) == (True, ["topic small: partitions 1 -> 2"])


def test_the_module_writes_nothing_in_check_mode(answer: t.Any, admin: t.Any) -> None:
    assert answer(0, [{"name": "small", "partitions": 2}], _ansible_check_mode=True)["changed"] is True
    assert admin.applied == []


def test_the_module_fails_with_findings(answer: t.Any, admin: t.Any) -> None:
    admin.found["big"] = FoundTopic("big", 9, 1)
    found = answer(1, [{"name": "big", "partitions": 3}])
    assert [finding["code"] for finding in found["findings"]] == ["KFK-DRIFT"]
    assert found["changed"] is False
