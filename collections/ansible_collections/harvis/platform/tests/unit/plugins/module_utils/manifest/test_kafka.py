"""KFK-POLL and KFK-OFFSET, in manifests and in sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.kafka import DETECTORS
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.kafka_sources import (
    DETECTORS as SOURCE_DETECTORS,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.kafka_settings import processing_limit, seconds
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    findings,
    found,
    subject,
)

ENV = "/spec/template/spec/containers/0/env"
CONFIG = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  consumer.yaml: |
    # auto.offset.reset: latest
    spring:
      kafka:
        consumer:
          auto-offset-reset: "latest"
"""
MOUNT = "volumeMounts: [{name: config, mountPath: /etc/shop}]"
VOLUME = "volumes: [{name: config, configMap: {name: shop}}]"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("KAFKA_AUTO_OFFSET_RESET", "latest", True),
        ("SPRING_KAFKA_CONSUMER_AUTO_OFFSET_RESET", "Latest", True),
        ("auto.offset.reset", "largest", True),
        ("KAFKA_AUTO_OFFSET_RESET", "earliest", False),
        ("IMAGE_TAG", "latest", False),
    ],
)
def test_where_a_group_begins(name: str, value: str, wanted: bool) -> None:
    given = subject(deployment(f"env: [{{name: {name}, value: {value}}}]"))

    assert found(DETECTORS, given) == [("KFK-OFFSET", f"{ENV}/0/value")] * wanted


def test_files_and_arguments_are_read_and_comments_are_not() -> None:
    assert found(DETECTORS, subject(deployment(MOUNT, pod=VOLUME) + CONFIG)) == [("KFK-OFFSET", "/data/consumer.yaml")]
    assert found(DETECTORS, subject(deployment("args: [--auto-offset-reset=latest]"))) == [
        ("KFK-OFFSET", "/spec/template/spec/containers/0/args/0")
    ]
    assert found(DETECTORS, subject(deployment(MOUNT, pod=VOLUME) + CONFIG.replace('"latest"', "earliest"))) == []


POLLS = [
    ({"MAX_POLL_INTERVAL_MS": "300000", "JOB_TIMEOUT_SECONDS": "900"}, True),
    ({"MAX_POLL_INTERVAL_MS": "300000", "PROCESSING_TIMEOUT": "15m"}, True),
    ({"MAX_POLL_INTERVAL_MS": "300000", "PROCESSING_TIMEOUT": "900"}, False),  # of what?
    ({"MAX_POLL_INTERVAL_MS": "1200000", "JOB_TIMEOUT_SECONDS": "900"}, False),
    ({"MAX_POLL_INTERVAL_MS": "300000", "JOB_RETRY_BACKOFF_MAX_SECONDS": "900"}, False),
    ({"MAX_POLL_INTERVAL_MS": "300000", "HTTP_TIMEOUT_SECONDS": "900"}, False),
    ({"MAX_POLL_INTERVAL_MS": "300000"}, False),
    ({"JOB_TIMEOUT_SECONDS": "900"}, False),
]


@pytest.mark.parametrize(("variables", "wanted"), POLLS)
def test_how_long_a_message_may_take(variables: dict[str, str], wanted: bool) -> None:
    env = ", ".join(f"{{name: {name}, value: '{value}'}}" for name, value in variables.items())

    assert found(DETECTORS, subject(deployment(f"env: [{env}]"))) == [("KFK-POLL", f"{ENV}/0/value")] * wanted


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("X_MS", "1500", 1.5),
        ("X_SECONDS", "10.5", 10.5),
        ("X", "2h", 7200),
        ("X_MS", "2min", 120),
        ("X", "5", None),
        ("X_MS", "x", None),
    ],
)
def test_durations(name: str, value: str, wanted: float | None) -> None:
    assert seconds(name, value) == wanted


def test_a_name_must_say_that_it_bounds_work() -> None:
    assert processing_limit("TASK_DEADLINE_MINUTES", "2") == 120
    assert processing_limit("TASK_COUNT_MINUTES", "2") is None


SOURCES = [
    ('C({"auto.offset.reset": "latest"})\n', "KFK-OFFSET"),
    ('C("topic", auto_offset_reset="latest")\n', "KFK-OFFSET"),
    ('config["auto.offset.reset"] = "latest"\n', "KFK-OFFSET"),
    ('C({"auto.offset.reset": "earliest"})\n', ""),
    ('JOB_TIMEOUT_SECONDS = 15 * 60; C({"max.poll.interval.ms": 300_000})\n', "KFK-POLL"),
    ('JOB_TIMEOUT_SECONDS = 15 * 60; C({"max.poll.interval.ms": 20 * 60 * 1000})\n', ""),
    ('C({"auto.offset.reset": "latest"}', ""),
]


@pytest.mark.parametrize(("text", "code"), SOURCES)
def test_sources(text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text("import offsets\n" + text)

    given = AuditSubject(Objects(()), sources=tmp_path)
    told = [(f.code, f.place.file, f.place.line) for f in findings(SOURCE_DETECTORS, given) if f.place]

    assert told == ([(code, "worker.py", 2)] if code else [])


def test_a_shared_fault_is_said_once() -> None:
    both = deployment(MOUNT, pod=VOLUME) + "---\n" + deployment(MOUNT, pod=VOLUME).replace("name: web", "name: api")

    assert len(findings(DETECTORS, subject(both + CONFIG))) == 1
