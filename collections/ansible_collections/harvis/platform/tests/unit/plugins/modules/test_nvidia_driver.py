"""The module's frame: options in, outcome or findings out."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.driver.ensure import Outcome
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options, State
from ansible_collections.harvis.platform.plugins.modules import nvidia_driver
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

OUTCOME = Outcome(True, "535.1", "open", ("a=1",), ("why",), (), ("because",), (), {"before": "", "after": "a=1\n"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Options, bool]]:
    """What the concept was asked."""
    calls: list[tuple[Options, bool]] = []

    def ensure(options: Options, _root: t.Any, _runner: t.Any, *, check_mode: bool) -> Outcome:
        calls.append((options, check_mode))
        return OUTCOME

    monkeypatch.setattr(nvidia_driver, "ensure_driver", ensure)
    return calls


def test_options_reach_the_concept_and_its_outcome_comes_back(asked: list[tuple[Options, bool]]) -> None:
    given = {"state": "latest", "flavour": "open", "branch": 535, "kernels": ["installed"], "cuda": 12.4}
    told = run_main(nvidia_driver.main, given)

    assert asked == [(Options(State.LATEST, Flavour.OPEN, branch="535", kernels=("installed",), cuda="12.4"), False)]
    assert {k: told[k] for k in ("changed", "version", "reboot_required", "reboot_reason", "diff")} == {
        "changed": True,
        "version": "535.1",
        "reboot_required": True,
        "reboot_reason": "because",
        "diff": OUTCOME.diff,
    }


def test_check_mode_is_handed_on(asked: list[tuple[Options, bool]]) -> None:
    run_main(nvidia_driver.main, {}, check_mode=True)

    assert asked == [(Options(), True)]


def test_a_finding_ends_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: t.Any, **__: t.Any) -> Outcome:
        raise driver_error("DRV-VERSION", "version 1", "is not there")

    monkeypatch.setattr(nvidia_driver, "ensure_driver", refuse)
    told = run_main(nvidia_driver.main, {})

    assert told["failed"] is True
    assert [f["code"] for f in told["findings"]] == ["DRV-VERSION"]


def test_options_that_cannot_be_meant_end_the_task(asked: list[tuple[Options, bool]]) -> None:
    told = run_main(nvidia_driver.main, {"repository": "nvidia"})

    assert [f["code"] for f in told["findings"]] == ["PLB-INPUT"]
    assert asked == []
