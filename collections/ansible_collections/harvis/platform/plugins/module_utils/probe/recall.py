"""``POST /api/recall``: what was remembered comes back, with its age in words."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import refuse
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import (
    MAYBE_TEXT,
    TEXT,
    Promise,
    Schema,
    keep,
    record,
)
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/recall"
TOP_K = 3
AGE_IN_WORDS = "yesterday"  # how the platform words every age under one day
_BEAT = record({"anchor_id": TEXT, "text": TEXT, "perceived_age": TEXT, "activation": {"type": "number"}})
_RECALLED: Schema = record(
    {"request_id": TEXT, "beats": {"type": "array", "items": _BEAT}},
    {"retelling": MAYBE_TEXT, "provider": MAYBE_TEXT, "degraded": MAYBE_TEXT},
)
_FIX = "Look at resonance's log (`kubectl logs -n vhm deploy/resonance`) and at the vector store."


def check(visit: Visit) -> str:
    found = ask(visit, "recall")
    subject = f"POST {visit.url(PATH)}"
    beat = next(iter(own_beats(visit, found)), None)
    if beat is None:
        stored = "" if any(visit.memory_ids.values()) else "; it was never stored (see remember)"
        raise refuse(
            "PRB-FAILED", subject, f"{len(found['beats'])} beats, the memory is not among them{stored}", fix=_FIX
        )
    if beat["perceived_age"] != AGE_IN_WORDS or beat["activation"] <= 0:
        raise refuse(
            "PRB-CONTENT",
            subject,
            f"recalled with age {beat['perceived_age']!r} and activation {beat['activation']:g}",
            evidence=f"expected {AGE_IN_WORDS!r} and more than 0 for a memory dated one hour back",
            fix=_FIX,
        )
    return f"recalled among {len(found['beats'])}: {beat['perceived_age']}, activation {beat['activation']:.2f}"


def ask(visit: Visit, check_id: str, *, retell: bool = False) -> dict[str, t.Any]:
    """Recall by the memory's own text. Anchors that hold it are claimed, so that they are deleted at the end."""
    body: dict[str, t.Any] = {"query": visit.memory_text, "top_k": TOP_K}
    answer = visit.send(check_id, "POST", PATH, {**body, "retell": True} if retell else body)
    found: dict[str, t.Any] = keep(answer, Promise(schema=_RECALLED), fix=_FIX)
    for beat in own_beats(visit, found):
        visit.claim(beat["anchor_id"], stored=True)
    return found


def own_beats(visit: Visit, found: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return [beat for beat in found["beats"] if beat["text"] == visit.memory_text]
