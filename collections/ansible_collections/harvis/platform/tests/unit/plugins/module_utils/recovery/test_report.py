"""What a recovery says."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.modules import recovery_report
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

HELD = Finding("PLB-PAUSED", "etcd", "is held by a signal", "pid 7", "`make up`.").to_dict()
QUOTA = Finding("ROL-QUOTA", "Deployment vhm/indexer", "0 of 1 pods", "pods: 0", "Raise it.").to_dict()
WARNING = Finding("ROL-PRESSURE", "node vm", "short of disk").to_dict()


def test_seen_done_and_left() -> None:
    done = {"host": ["etcd goes on"], "topics": [], "pods": ["vhm/a: not ready for 40 s"]}

    said = run_main(recovery_report.main, {"seen": [HELD, HELD], "done": done, "left": [QUOTA, WARNING]})

    assert said["lines"] == [
        "Seen",
        "  PLB-PAUSED etcd: is held by a signal",
        "Done",
        "  host: etcd goes on",
        "  pods: vhm/a: not ready for 40 s",
        "Needs a person",
        "  ROL-QUOTA Deployment vhm/indexer: 0 of 1 pods\n      Evidence: pods: 0\n      Fix: Raise it.",
    ]
    assert [finding["code"] for finding in said["person"]] == ["ROL-QUOTA"]
    assert said["changed"] is False


def test_nothing_to_do() -> None:
    said = run_main(recovery_report.main, {})

    assert said["lines"][1::2] == ["  nothing wrong", "  nothing: all is as described", "  nothing"]
    assert said["person"] == []


def test_a_finding_that_nobody_knows_is_refused() -> None:
    said = run_main(recovery_report.main, {"seen": [{"code": "NO-SUCH", "subject": "a", "cause": "b"}]})

    assert said["failed"] is True
    assert "PLB-INPUT" in said["msg"]
