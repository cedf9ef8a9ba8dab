"""Consumers of Kafka: how long a message may take, and where a new group begins."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.kafka_settings import (
    is_offset_reset,
    is_poll_interval,
    offset_finding,
    poll_finding,
    processing_limit,
    seconds,
    skips_messages,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.settings import Setting, settings


def consumers(subject: AuditSubject) -> t.Iterator[Finding]:
    found: dict[t.Any, Finding] = {}
    for pod in pods(subject.objects):
        for container in pod.containers():
            told = list(settings(subject.objects, container))
            for finding in (*_offsets(told), *_intervals(told)):
                # Containers that share a ConfigMap share its fault.
                found.setdefault((finding.code, finding.place), finding)
    yield from found.values()


def _offsets(told: list[Setting]) -> t.Iterator[Finding]:
    for setting in told:
        if is_offset_reset(setting.name) and skips_messages(setting.value):
            yield offset_finding(setting.place, setting.name, setting.value)


def _intervals(told: list[Setting]) -> t.Iterator[Finding]:
    intervals = [(s, seconds(s.name, s.value)) for s in told if is_poll_interval(s.name)]
    limits = [(s, limit) for s in told if (limit := processing_limit(s.name, s.value)) is not None]
    for setting, interval in intervals:
        for name, limit in [(s.name, limit) for s, limit in limits if interval is not None and limit >= interval][:1]:
            yield poll_finding(setting.place, setting.name, interval or 0, name, limit)


DETECTORS: tuple[Detector, ...] = (consumers,)
