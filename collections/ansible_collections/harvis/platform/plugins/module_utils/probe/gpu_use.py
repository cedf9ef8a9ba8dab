"""``/api/diagnostics``: containers that were granted a GPU compute on it, and not quietly on the CPU."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import (
    COUNT,
    MAYBE_TEXT,
    TEXT,
    Promise,
    Schema,
    keep,
    record,
)
from ansible_collections.harvis.platform.plugins.module_utils.probe.fallback import (
    Told,
    of_backend,
    of_ollama,
    share,
    spoken_by,
)
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/diagnostics"
CONTAINERS = ("ollama", "backend")


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_MODEL = record({"name": TEXT, "size": COUNT, "size_vram": COUNT})
_ENGINE = record({"name": TEXT, "device": TEXT, "available": {"type": "boolean"}, "cause": MAYBE_TEXT})
_CUDA = record(
    {
        "available": {"type": "boolean"},
        "cause": MAYBE_TEXT,
        "torch": MAYBE_TEXT,
        "cuda_build": MAYBE_TEXT,
        "driver": MAYBE_TEXT,
        "architectures": _list(TEXT),
        "devices": _list(record({"name": TEXT, "capability": {"type": "string", "pattern": r"^\d+\.\d+$"}})),
    }
)
_DIAGNOSTICS = record(
    {
        "ollama": record({"loaded": _list(_MODEL), "cause": MAYBE_TEXT}),
        "cuda": _CUDA,
        "onnx": record({"version": MAYBE_TEXT, "offered": _list(TEXT), "used": MAYBE_TEXT}),
        "speech": record({"choice": TEXT, "engines": _list(_ENGINE)}),
    }
)


def check(visit: Visit) -> str:
    """Simulated cards compute nothing: the row passes, and says what runs where."""
    told = keep(visit.send("gpu-use", "GET", PATH), Promise(schema=_DIAGNOSTICS))
    granted = visit.settings.gpu
    seen = "; ".join(_DESCRIBED[name](told) for name in CONTAINERS if name in granted)
    if visit.settings.gpu_simulated:
        return f"the cards are simulated, and compute nothing: {seen}"
    findings = [finding for name in granted for finding in _judged(name, told, visit)]
    if findings:
        raise HarvisError(*findings)
    return seen


def _judged(name: str, told: Told, visit: Visit) -> t.Iterator[Finding]:
    if name == "ollama":
        return of_ollama(told["ollama"], partial=visit.settings.allow_degraded)
    return of_backend(told)


def _ollama(told: Told) -> str:
    models = [f"{model['name']} {share(model)} in GPU memory" for model in told["ollama"]["loaded"]]
    return f"ollama: {', '.join(models) or told['ollama']['cause'] or 'no model is loaded'}"


def _backend(told: Told) -> str:
    cuda, engine = told["cuda"], spoken_by(told["speech"])
    cards = ", ".join(f"{device['name']} (sm_{device['capability'].replace('.', '')})" for device in cuda["devices"])
    torch = f"torch {cuda['torch']} computes on {cards}" if cuda["available"] else f"no CUDA ({cuda['cause']})"
    return f"backend: {torch}, speech by {engine['name']} on {engine['device']}" if engine else f"backend: {torch}"


_DESCRIBED: dict[str, t.Callable[[Told], str]] = {"ollama": _ollama, "backend": _backend}
