from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chart_rendering import SCENARIOS, Helm, Rendered, find_helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    program = find_helm()
    if program is None:
        pytest.skip("no helm: set HELM_BIN, or run `make up`, which leaves one in .harvis/bin")
    return Helm(program)


@pytest.fixture(
    scope="session",
    params=[(chart, index) for chart, values in SCENARIOS.items() for index in range(len(values))],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def scenario(request: pytest.FixtureRequest, helm: Helm) -> Rendered:
    """Every scenario of every chart, rendered."""
    chart, index = request.param
    return helm.render(chart, SCENARIOS[chart][index])
