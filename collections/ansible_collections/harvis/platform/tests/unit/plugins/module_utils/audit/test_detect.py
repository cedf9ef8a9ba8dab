"""One detector's fault never hides what the others find."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.detect import detect
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, fail
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects

SUBJECT = AuditSubject(Objects(()))
DEAD = Finding("VAL-DEAD", "web.old", "nothing reads it")
Said = t.Iterator[Finding | NotChecked]


def finds(_: AuditSubject) -> Said:
    yield DEAD
    yield NotChecked("no schema of v9")


def breaks_down(_: AuditSubject) -> Said:
    yield DEAD
    raise KeyError("spec")


def refuses(_: AuditSubject) -> Said:
    raise fail("VAL-INPUT", "values.yaml", "is binary")


def never_ends(_: AuditSubject) -> Said:
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # as code that catches too much would
            continue
    yield DEAD


def lacks_a_library(_: AuditSubject) -> Said:
    import no_such_library_anywhere  # noqa: F401

    yield DEAD


def test_what_a_detector_says() -> None:
    outcome = detect(SUBJECT, [finds])

    assert (outcome.findings, outcome.not_checked) == ((DEAD,), ("no schema of v9",))


def test_a_fault_of_a_detector_is_said_and_the_others_go_on() -> None:
    outcome = detect(SUBJECT, [breaks_down, refuses, finds])

    assert [f.code for f in outcome.findings] == ["VAL-DEAD", "VAL-INPUT", "VAL-DEAD"]
    assert outcome.not_checked[0] == "breaks down: something went wrong in the audit itself: KeyError: 'spec'"


def test_a_detector_that_never_ends_is_stopped() -> None:
    outcome = detect(SUBJECT, [never_ends, finds], seconds=0.1)

    assert outcome.findings == (DEAD,)
    assert outcome.not_checked[0] == "never ends: not done within 0.1 s"


def test_a_missing_library_is_no_pass() -> None:
    assert detect(SUBJECT, [lacks_a_library]).not_checked == (
        "lacks a library: the Python library no_such_library_anywhere is not installed",
    )
