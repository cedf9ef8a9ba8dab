"""From values and results to what verification expects."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.filter.expectations import (
    FilterModule,
    expected,
    expected_containers,
    gpu_host_row,
    granted_containers,
    host_row,
    release_rows,
    runtime_rows,
    topic_row,
)

SMALL, LARGE = {"limits": {"cpu": "1"}}, {"limits": {"cpu": "4"}}
APP: dict[str, t.Any] = {
    "global": {"namespace": "ai-agents", "workersNamespace": "vhm"},
    "mergedOllamaBackend": {
        "enabled": True,
        "resources": SMALL,
        "backend": {"image": "backend:1"},
        "ollama": {"image": "ollama:1", "resources": LARGE},
    },
    "workers": {"indexer": {"image": "indexer:1", "resources": SMALL}},
}
DATA = {
    "global": {"namespace": "stores"},
    "kafka": {"image": "kafka:1", "resources": LARGE},
    "qdrant": {"image": "qdrant:1", "resources": SMALL},
}
IMAGES = {
    "ai-agents/harvis-backend": {"backend": "backend:1", "ollama": "ollama:1"},
    "vhm/indexer": {"indexer": "indexer:1"},
    "stores/kafka": {"kafka": "kafka:1"},
    "stores/qdrant": {"qdrant": "qdrant:1"},
}
RESOURCES = {
    "ai-agents/harvis-backend": {"backend": SMALL, "ollama": LARGE},
    "vhm/indexer": {"indexer": SMALL},
    "stores/kafka": {"kafka": LARGE},
    "stores/qdrant": {"qdrant": SMALL},
}


@pytest.mark.parametrize(("key", "expected"), [("image", IMAGES), ("resources", RESOURCES)])
def test_every_container_is_expected_as_the_values_say(key: str, expected: dict[str, t.Any]) -> None:
    assert expected_containers(APP, DATA, key) == expected


def test_without_the_merged_pod_no_ollama_is_expected() -> None:
    app = copy.deepcopy(APP)
    app["mergedOllamaBackend"]["enabled"] = False

    assert expected_containers(app, DATA, "image")["ai-agents/harvis-backend"] == {"backend": "backend:1"}


RELEASE = {"name": "harvis-prod", "namespace": "ai-agents", "revision": 3}
ROWS = [
    pytest.param([], False, True, "revision 3, live objects are as released", id="no difference"),
    pytest.param(["a differs", "b differs"], False, False, "a differs; b differs", id="differences that were left"),
    pytest.param(["a differs"], True, True, "revision 3, live objects are as released", id="differences mended"),
]


@pytest.mark.parametrize(("reasons", "applied", "passed", "evidence"), ROWS)
def test_a_release_that_drifted_fails(reasons: list[str], applied: bool, passed: bool, evidence: str) -> None:
    assert release_rows([{"release": RELEASE, "reasons": reasons}], applied) == [
        {
            "check": "drift",
            "subject": "ai-agents/harvis-prod",
            "passed": passed,
            "evidence": evidence,
            "seconds": 0,
        }
    ]


def test_every_release_has_its_row() -> None:
    rows = release_rows([{"release": RELEASE}, {"reasons": ["is not installed"]}], applied=False)

    assert [(r["subject"], r["passed"]) for r in rows] == [("ai-agents/harvis-prod", True), ("/release", False)]


TOPICS = [
    ([], False, True, "2 topics as described"),
    (["anchors-write: 1 partition instead of 3"], False, False, "anchors-write: 1 partition instead of 3"),
    (["anchors-write: created"], True, True, "2 topics as described"),
]


@pytest.mark.parametrize(("reasons", "applied", "passed", "evidence"), TOPICS)
def test_topics_that_differ_fail(reasons: list[str], applied: bool, passed: bool, evidence: str) -> None:
    row = {"check": "topics", "subject": "kafka", "passed": passed, "evidence": evidence, "seconds": 0}
    assert topic_row({"reasons": reasons}, ["a", "b"], applied) == [row]


def test_what_nobody_looked_at_has_no_row() -> None:
    skipped = {"skipped": True, "changed": False}
    assert topic_row(skipped, ["a"], applied=True) == []
    assert release_rows([skipped, {"release": RELEASE}], applied=True) == release_rows(
        [{"release": RELEASE}], applied=True
    )


ASKS = {"limits": {"cpu": "4", "nvidia.com/gpu": 1}}
GRANTS = [
    ({}, []),
    ({"resources": ASKS, "ollama": {"resources": ASKS}}, ["ollama", "backend"]),
    ({"resources": ASKS, "ollama": {"resources": ASKS}, "gpuContainer": "ollama"}, ["ollama"]),
    ({"resources": ASKS, "gpuContainer": "backend"}, ["backend"]),
    ({"resources": ASKS, "ollama": {"resources": ASKS}, "enabled": False}, []),
]


@pytest.mark.parametrize(("changes", "granted"), GRANTS)
def test_who_asks_for_a_card(changes: dict[str, t.Any], granted: list[str]) -> None:
    app = copy.deepcopy(APP)
    merged = app["mergedOllamaBackend"]
    changes = copy.deepcopy(changes)
    merged["ollama"] |= changes.pop("ollama", {})
    merged |= changes

    assert granted_containers(app) == granted
    if merged["enabled"]:
        expected = expected_containers(app, DATA, "resources")["ai-agents/harvis-backend"]
        assert [name for name in ("ollama", "backend") if "nvidia.com/gpu" in expected[name]["limits"]] == granted


CARD = {"name": "NVIDIA GeForce RTX 4090", "device": "10de:2684"}
PARTED = {"code": "DRV-MISMATCH", "subject": "NVIDIA driver", "cause": "two versions", "severity": "error"}
TAKEN = {"code": "GPU-TENANT", "subject": "GPU 0", "cause": "taken", "severity": "warning"}
HOSTS = [
    ([CARD], [], False, True, "NVIDIA GeForce RTX 4090, driver 550.163.01"),
    ([{**CARD, "name": ""}], [], True, True, "10de:2684, driver 550.163.01 (simulated)"),
    (
        [CARD],
        [PARTED],
        False,
        False,
        "NVIDIA GeForce RTX 4090, driver 550.163.01; DRV-MISMATCH NVIDIA driver: two versions",
    ),
    ([CARD], [TAKEN], False, True, "NVIDIA GeForce RTX 4090, driver 550.163.01; GPU-TENANT GPU 0: taken"),
    ([], [], False, True, "no card, driver 550.163.01"),
]


@pytest.mark.parametrize(("gpus", "findings", "simulated", "passed", "evidence"), HOSTS)
def test_a_host_whose_cards_cannot_be_used_fails(
    gpus: list[t.Any], findings: list[t.Any], simulated: bool, passed: bool, evidence: str
) -> None:
    looked = {"gpus": gpus, "findings": findings, "driver": {"loaded": "550.163.01"}}

    row = gpu_host_row(looked, "workstation", simulated)
    assert (row["check"], row["subject"], row["passed"], row["evidence"]) == (
        "gpu-host",
        "workstation",
        passed,
        evidence,
    )


DAEMON = {"config": "/etc/c.toml", "reasons": [], "restart_required": "", "item": {"daemon": "containerd"}}
UNREAD = {**DAEMON, "restart_required": "it has not read its file"}
RELOAD = {**DAEMON, "findings": [{"code": "RUN-CHAR", "cause": "a reload takes the cards away"}]}
DAEMONS = [
    (DAEMON, False, True, "/etc/c.toml is as described and in effect"),
    (UNREAD, False, False, "it has not read its file"),
    (UNREAD, True, True, "/etc/c.toml is as described and in effect"),
    (RELOAD, False, True, "/etc/c.toml is as described and in effect; RUN-CHAR: a reload takes the cards away"),
]


@pytest.mark.parametrize(("daemon", "applied", "passed", "evidence"), DAEMONS)
def test_a_daemon_that_has_not_taken_the_runtime_fails(
    daemon: dict[str, t.Any], applied: bool, passed: bool, evidence: str
) -> None:
    skipped = {"item": {"daemon": "docker"}, "skipped": True}
    (row,) = runtime_rows([daemon, skipped], applied)

    assert (row["check"], row["subject"]) == ("gpu-runtime", "containerd")
    assert (row["passed"], row["evidence"]) == (passed, evidence)


HELD = {"code": "PLB-PAUSED", "subject": "kubelet", "cause": "is held by a signal"}
WELL = "daemons run, none is held, certificates hold"


@pytest.mark.parametrize(
    ("findings", "applied", "passed", "evidence"),
    [
        ([], False, True, WELL),
        ([HELD], True, True, WELL),
        ([HELD], False, False, "PLB-PAUSED kubelet: is held by a signal"),
    ],
)
def test_a_host_whose_daemons_do_not_answer_fails(
    findings: list[t.Any], applied: bool, passed: bool, evidence: str
) -> None:
    (row,) = host_row([{"skipped": True}, {"findings": findings, "reasons": []}], "vm", applied)

    assert (row["check"], row["subject"], row["passed"], row["evidence"]) == ("host", "vm", passed, evidence)


def test_a_host_that_nobody_looked_at_has_no_row() -> None:
    assert host_row([{"skipped": True}], "vm", False) == []


def test_ansible_finds_the_filters() -> None:
    assert FilterModule().filters() == {
        "expected": expected,
        "gpu_host_row": gpu_host_row,
        "host_row": host_row,
        "release_rows": release_rows,
        "runtime_rows": runtime_rows,
        "topic_row": topic_row,
    }
