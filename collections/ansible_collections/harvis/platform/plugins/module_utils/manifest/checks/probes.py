"""Probes that ask the wrong question, or give the container too little time to answer."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.image_name import repository
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Body
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")

# A model of a few GB is read from a disk in about two minutes, and the first start downloads it besides.
LEAST_SECONDS = 120
# Servers that answer their health endpoint only when the model is loaded: by image and by command.
_SLOW_IMAGES = re.compile(
    r"(?:^|/)(?:vllm-openai|text-generation-inference|text-embeddings-inference|tritonserver|sglang|lmdeploy"
    r"|llama\.cpp|llama-cpp-python|aphrodite-openai|xtts-streaming-server)$"
)
_SLOW_COMMANDS = re.compile(
    r"\b(?:vllm serve|vllm\.entrypoints|text-generation-launcher|text-embeddings-router|tritonserver"
    r"|sglang\.launch_server|lmdeploy serve|llama-server)\b"
)


def slow_starts(subject: AuditSubject) -> t.Iterator[Finding]:
    """A liveness probe begins to count with the container; without a startup probe it counts the loading too."""
    for pod in pods(subject.objects):
        for container in pod.containers():
            if not container.initial:
                yield from [*_killed_by_liveness(container)] or [*_killed_while_loading(container)]


def _killed_by_liveness(container: Container) -> t.Iterator[Finding]:
    """The readiness probe's own delay says how long a start takes; the same question as liveness kills before."""
    liveness, readiness = probe(container, "livenessProbe"), probe(container, "readinessProbe")
    delay = _seconds(readiness, "initialDelaySeconds", 0)
    if not liveness or probe(container, "startupProbe") or _question(liveness) != _question(readiness):
        return
    if delay > budget(liveness):
        yield Finding.at(
            "PRB-SLOWSTART",
            container.place("/livenessProbe"),
            f"container {container.name} is killed {budget(liveness)} s after its start unless it answers, and its "
            f"readiness probe asks the same only after {delay} s",
            fix="Add a startupProbe with periodSeconds and failureThreshold for the slowest start; "
            "liveness then waits for it.",
        )


def _killed_while_loading(container: Container) -> t.Iterator[Finding]:
    image = repository(str(container.body.get("image", "")))
    known = _SLOW_IMAGES.search(image) or _SLOW_COMMANDS.search(" ".join(words(container)))
    name = "startupProbe" if probe(container, "startupProbe") else "livenessProbe"
    deciding = probe(container, name)
    if known and deciding and budget(deciding) < LEAST_SECONDS:
        yield Finding.at(
            "PRB-SLOWSTART",
            container.place(f"/{name}"),
            f"container {container.name} is killed {budget(deciding)} s after its start, if its model is not loaded",
            evidence=f"{known[0].strip('/')} answers only when the model is loaded",
            fix="Give it a startupProbe of at least the slowest load, e.g. periodSeconds 10 and failureThreshold 60.",
        )


def same_question(subject: AuditSubject) -> t.Iterator[Finding]:
    """A readiness path that is the liveness path says that the process answers, not that it can do its work."""
    for pod in pods(subject.objects):
        for container in pod.containers():
            liveness, readiness = probe(container, "livenessProbe"), probe(container, "readinessProbe")
            path = _path(readiness)
            # A bare "/" is a web server's only page: there is no other question to ask.
            if path not in ("", "/") and _question(liveness) == _question(readiness):
                yield Finding.at(
                    "PRB-SAME",
                    container.place("/readinessProbe/httpGet/path"),
                    f"readiness and liveness of container {container.name} both ask {path}",
                    fix="Let readiness ask an endpoint that fails while something the container needs is missing.",
                )


def probe(container: Container, name: str) -> Body:
    """One probe's body; empty where there is none."""
    body = container.body.get(name)
    return body if isinstance(body, dict) and any(handler in body for handler in HANDLERS) else {}


def words(container: Container) -> list[str]:
    """Command and arguments of the container."""
    lists = (container.body.get(key) for key in ("command", "args"))
    return [str(word) for listed in lists if isinstance(listed, list) for word in listed]


def budget(body: Body) -> int:
    """Seconds from the container's start to its kill, if the probe never succeeds."""
    period, failures = _seconds(body, "periodSeconds", 10), _seconds(body, "failureThreshold", 3)
    return _seconds(body, "initialDelaySeconds", 0) + period * failures


def _seconds(body: Body, key: str, default: int) -> int:
    value = body.get(key)
    return value if isinstance(value, int) else default


def _path(body: Body) -> str:
    get = body.get("httpGet")
    return str(get.get("path") or "/") if isinstance(get, dict) else ""


def _question(body: Body) -> t.Any:
    """What is asked, leaving aside how often."""
    for handler in HANDLERS:
        asked = body.get(handler)
        if isinstance(asked, dict):
            return handler, sorted((key, str(value)) for key, value in asked.items() if value is not None)
    return None


DETECTORS: tuple[Detector, ...] = (slow_starts, same_question)
