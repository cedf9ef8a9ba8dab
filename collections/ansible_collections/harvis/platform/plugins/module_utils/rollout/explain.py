"""From what a program says to the cause behind it: its image, a name, a Service, a policy."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import counts, is_ready
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings
from ansible_collections.harvis.platform.plugins.module_utils.rollout.words import Meaning, meaning

# Longer words of a connection that was not made, with the address they are about.
_UNANSWERED = re.compile(r"(?i)timed? ?out|deadline exceeded|refused|unreachable|no route to host")
_ADDRESS = re.compile(r"(?:(?<=//)|(?<![\w.-]))(?P<host>[A-Za-z0-9][\w-]*(?:\.[\w-]+)*):(?P<port>\d{2,5})(?!\d)")


def explained(found: Finding, pod: Object, container: str, text: str, around: Surroundings) -> Finding:
    """``found``, or what the program itself names as the cause of it."""
    told = meaning(text)
    if told is None:
        return found
    if told.code == "ROL-IMPORT":
        return replace(_of_image(told, pod, container, around), subject=found.subject)
    if told.code == "NET-DNS" and (closed := around.policies.hinder_names(pod)):
        return replace(closed, evidence=f"{told.line}; {closed.evidence}")
    return Finding(told.code, found.subject, _with_state(told, found), told.line, told.fix)


def _with_state(told: Meaning, found: Finding) -> str:
    """A crash keeps its exit code beside its cause."""
    return f"{told.cause}; it {found.cause}" if found.code == "ROL-CRASH" else told.cause


def _of_image(told: Meaning, pod: Object, container: str, around: Surroundings) -> Finding:
    older = around.older(pod, container)
    if older is None:
        return told.of("")
    if older:
        return replace(
            told.of(""),
            cause=f"{told.cause}: its image is older than today's sources ({older})",
            fix="`make up` builds, delivers and rolls out the image of today's sources.",
        )
    return replace(
        told.of(""),
        cause=f"{told.cause}, and its image is that of today's sources: they lack it as well",
        fix="Add it to the sources, their COPY list or their requirements; `make up` then builds the image anew.",
    )


def unreached(found: Finding, pod: Object, log: str, around: Surroundings) -> Finding:
    """``found``, or the policy that closes the way to the address that the program waits for."""
    for line in reversed(log.splitlines()):
        if not _UNANSWERED.search(line):
            continue
        for address in _ADDRESS.finditer(line):
            closed = _closed(pod, address["host"], int(address["port"]), around)
            if closed:
                return replace(closed, evidence=f"{line.strip()[:200]}; {closed.evidence}")
    return found


def _closed(pod: Object, host: str, port: int, around: Surroundings) -> Finding | None:
    name, _, rest = host.partition(".")
    namespace = rest.partition(".")[0] or pod["metadata"].get("namespace", "")
    for service in around.services:
        metadata = service["metadata"]
        if (metadata["name"], metadata.get("namespace")) != (name, namespace):
            continue
        entry = next((entry for entry in service["spec"].get("ports") or [] if entry.get("port") == port), {})
        for target in around.pods:
            if counts(target) and is_ready(target) and _selected(service, target):
                number = _number(target, entry.get("targetPort", port))
                closed = around.policies.hinder(pod, target, number)
                if closed:
                    return closed
    return None


def _selected(service: Object, pod: Object) -> bool:
    labels, selector = pod["metadata"].get("labels") or {}, service["spec"].get("selector") or {}
    same = pod["metadata"].get("namespace") == service["metadata"].get("namespace")
    return bool(selector) and same and all(labels.get(key) == value for key, value in selector.items())


def _number(pod: Object, port: int | str) -> int:
    named = {
        entry.get("name"): entry.get("containerPort")
        for container in pod["spec"]["containers"]
        for entry in container.get("ports") or []
    }
    found = named.get(port, port)
    return int(found) if str(found).isdigit() else 0
