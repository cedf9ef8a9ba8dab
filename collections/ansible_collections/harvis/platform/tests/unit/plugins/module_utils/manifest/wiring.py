"""Manifests as text, and what the detectors say about them."""

from __future__ import annotations

import dataclasses
import textwrap
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    found,
    not_checked,
    subject,
)

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/instance: prod}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
"""


def deployment(spec: str) -> str:
    """Deployment ``web`` in namespace ``shop`` with this pod specification."""
    return WEB + textwrap.indent(textwrap.dedent(spec).strip("\n"), " " * 6)


def container(body: str) -> str:
    """The same with one container ``web``, of which ``body`` says more."""
    rest = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 4)
    return deployment(f"containers:\n  - name: web\n    image: example.com/web:1.0\n{rest}")


def first_container(objects: Objects) -> Container:
    return pods(objects)[0].containers()[-1]


def both(detectors: t.Sequence[Detector], subject: AuditSubject) -> tuple[list[tuple[str, str]], list[str]]:
    """(code, field) of every finding, and the reasons of what was not checked."""
    return found(detectors, subject), not_checked(detectors, subject)


def read(*documents: str, **more: t.Any) -> AuditSubject:
    return dataclasses.replace(subject("\n---\n".join(textwrap.dedent(document) for document in documents)), **more)
