"""``/api/models``: which models answer, and whether their weights are real."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import ProbeError, refuse
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import (
    MAYBE_TEXT,
    TEXT,
    Promise,
    keep,
    record,
)
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/models"
_MODELS = record({"models": {"type": "array", "items": record({"name": TEXT}, {"weights": MAYBE_TEXT})}})


def check(visit: Visit) -> str:
    """Every model with its weights; the expected one must be among them."""
    known = read(visit)
    wanted = visit.settings.model
    if not known or (wanted and bare(wanted) not in known):
        raise refuse(
            "PRB-CONTENT",
            f"GET {visit.url(PATH)}",
            f"model {wanted} is not there" if wanted else "no model is there",
            evidence=f"models: {', '.join(sorted(known)) or 'none'}",
            fix="Pull the model into Ollama, or name one that is there (verify_model).",
        )
    return "models: " + ", ".join(named(visit, model) for model in sorted(known))


def read(visit: Visit) -> dict[str, str]:
    """Model name to a word about its weights; kept in the visit, so that chat can say it too."""
    found = keep(visit.send("models", "GET", PATH), Promise(schema=_MODELS))
    visit.weights = {bare(model["name"]): model.get("weights") or "" for model in found["models"]}
    return visit.weights


def bare(model: str) -> str:
    """Ollama adds ``:latest`` to a name without a tag; both name the same model."""
    return model.removesuffix(":latest")


def named(visit: Visit, model: str) -> str:
    """A model with what is known of its weights; said wherever a model's answer is evidence."""
    if not visit.weights:
        try:
            read(visit)
        except ProbeError:
            return f"{bare(model)} (weights unknown)"
    weights = visit.weights.get(bare(model), "")
    return f"{bare(model)} ({weights})" if weights else bare(model)
