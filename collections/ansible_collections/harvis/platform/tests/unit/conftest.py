"""Makes the checkout importable as ``ansible_collections.harvis.platform``, and holds tests to what they claim."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

COLLECTIONS = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(COLLECTIONS))

# Session fixtures are shared only when they are known here.
from ansible_collections.harvis.platform.tests.unit.api_server import api_server, controllers  # noqa: E402

__all__ = ["api_server", "claims", "controllers"]


@pytest.fixture(autouse=True)
def claims(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """A test that is marked as the proof of a finding fails where the code under test makes no such finding.

    Rows of a table are left out: some of them show what is well.
    """
    claimed = {mark.kwargs["code"] for mark in request.node.iter_markers("fault") if mark.kwargs.get("by")}
    if not claimed or hasattr(request.node, "callspec"):
        yield
        return
    from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

    made: set[str] = set()
    checked = Finding.__post_init__

    def noted(finding: Finding) -> None:
        checked(finding)
        made.add(finding.code)

    monkeypatch.setattr(Finding, "__post_init__", noted)
    yield
    assert claimed <= made, f"marked as proof of {', '.join(sorted(claimed - made))}, and no such finding was made"
