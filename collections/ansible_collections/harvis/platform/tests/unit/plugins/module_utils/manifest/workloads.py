"""Objects from YAML text, for the tests of detectors."""

from __future__ import annotations

import textwrap
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector, NodeCapacity
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Pod, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import FileLines, node_lines, read_rendered

GIB = 1 << 30


def subject(text: str, *, nodes: t.Sequence[NodeCapacity] = (), kubernetes: str = "v1.34.4") -> AuditSubject:
    read = read_rendered(textwrap.dedent(text), "default", lambda _source, doc, _body: FileLines("", node_lines(doc)))
    assert read.findings == ()
    return AuditSubject(objects=read.objects, nodes=tuple(nodes), kubernetes=kubernetes)


def deployment(container: str = "", *, spec: str = "", pod: str = "", image: str = "example.com/web:1") -> str:
    """A Deployment called ``web`` with one container; the texts are YAML of any indentation."""
    lines = ["apiVersion: apps/v1", "kind: Deployment", "metadata: {name: web}", "spec:"]
    lines += [_indented(spec, 2), "  selector: {matchLabels: {app: web}}", "  template:"]
    lines += ["    metadata: {labels: {app: web}}", "    spec:", _indented(pod, 6), "      containers:"]
    lines += ["        - name: web", f"          image: {image}", _indented(container, 10)]
    return "\n".join(line for line in lines if line.strip()) + "\n"


def one_pod(text: str) -> Pod:
    (pod,) = pods(subject(text).objects)
    return pod


def found(detectors: t.Iterable[Detector], given: AuditSubject) -> list[tuple[str, str]]:
    """(code, field) of every finding."""
    return [(f.code, f.place.field) for f in findings(detectors, given) if f.place]


def findings(detectors: t.Iterable[Detector], given: AuditSubject) -> list[Finding]:
    return [item for detector in detectors for item in detector(given) if isinstance(item, Finding)]


def not_checked(detectors: t.Iterable[Detector], given: AuditSubject) -> list[str]:
    return [item.reason for detector in detectors for item in detector(given) if not isinstance(item, Finding)]


def node(cpu: float = 8, gib: float = 32, gpus: int = 0) -> NodeCapacity:
    return NodeCapacity(cpu, int(gib * GIB), gpus)


def _indented(text: str, width: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * width)
