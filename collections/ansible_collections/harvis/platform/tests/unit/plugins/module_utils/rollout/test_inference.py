"""What a model server found when it started. The log is what Ollama 0.17.4 really wrote on a host without a card."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, assess
from ansible_collections.harvis.platform.plugins.module_utils.rollout.inference import devices, is_on_cpu
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

ON_CPU = (Path(__file__).parent / "fixtures/ollama-cpu.log").read_text()
# Of that line, what Ollama's own tests have for a card.
ON_CARD = (
    'time=2026-03-01T12:00:04.1Z level=INFO source=types.go:42 msg="inference compute" id=GPU-452cac9f library=CUDA '
    'compute=8.9 name=CUDA0 description="NVIDIA GeForce RTX 4090" total="24.0 GiB" available="23.5 GiB"\n'
)
KEY = ("vhm", "indexer-6c6bc8745b-kl29h", "indexer")


def rows(make: t.Any, fake_cluster: t.Any, log: str | None, *, limit: str = "1", **labels: str) -> list[Proof]:
    """The rows of containers, after a reading of the whole cluster."""
    pod, node = make.pod(), make.node(**{"nvidia.com/gpu": "1"})
    pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = limit
    node["metadata"]["labels"] = labels
    cluster = fake_cluster({"Pod": [pod], "Node": [node]})
    cluster.written |= {KEY: log} if log is not None else {}
    found = assess(Snapshot.read(cluster, ["vhm"]), Expected())
    return [proof for proof in found if proof.row.check == "gpu-use"]


@pytest.mark.fault("F06", "F86", code="GPU-FALLBACK", when="after deploy", by="recorded cluster")
def test_a_server_that_found_no_card_at_its_start(make: t.Any, fake_cluster: t.Any) -> None:
    (proof,) = rows(make, fake_cluster, ON_CPU)
    (finding,) = proof.findings

    assert (finding.code, finding.subject) == ("GPU-FALLBACK", "vhm/indexer-6c6bc8745b-kl29h indexer")
    assert finding.cause.startswith("found no card when it started, although it was granted one")
    assert finding.evidence.startswith('"inference compute" id=cpu library=cpu')
    assert "kubectl delete pod -n vhm indexer-6c6bc8745b-kl29h" in finding.fix


def test_a_server_that_found_its_card(make: t.Any, fake_cluster: t.Any) -> None:
    (proof,) = rows(make, fake_cluster, ON_CARD)

    assert proof.row.passed
    assert "NVIDIA GeForce RTX 4090" in proof.row.evidence
    assert not is_on_cpu(ON_CARD + ON_CPU), "a card beside the CPU is used"


def test_where_cards_are_simulated_the_cpu_is_no_finding(make: t.Any, fake_cluster: t.Any) -> None:
    (proof,) = rows(make, fake_cluster, ON_CPU, **{"harvis.dev/gpu-simulated": "true"})

    assert proof.row.passed
    assert proof.row.evidence.startswith('the card is simulated; "inference compute" id=cpu')


@pytest.mark.parametrize(
    ("log", "limit"),
    [(ON_CPU, "0"), ("INFO: Uvicorn running on http://0.0.0.0:8000\n", "1"), (None, "1")],
    ids=["granted none", "another program", "no log to be had"],
)
def test_who_says_nothing_has_no_row(make: t.Any, fake_cluster: t.Any, log: str | None, limit: str) -> None:
    assert rows(make, fake_cluster, log, limit=limit) == []


def test_what_older_versions_wrote() -> None:
    written = (
        'level=INFO source=types.go:130 msg="inference compute" id=0 library=cpu variant="" compute="" driver=0.0\n'
    )

    assert (is_on_cpu(written), len(devices(written))) == (True, 1)
