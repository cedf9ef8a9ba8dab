"""``POST /api/recall`` with ``retell``: the recalled memory is told again, and who told it is named."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import refuse
from ansible_collections.harvis.platform.plugins.module_utils.probe.recall import PATH, ask, own_beats
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

_FIX = "Look at the reteller's log (`kubectl logs -n vhm deploy/reteller`)."


def check(visit: Visit) -> str:
    found = ask(visit, "retell", retell=True)
    subject = f"POST {visit.url(PATH)} (retell)"
    text, provider = (found.get("retelling") or "").strip(), found.get("provider") or ""
    degraded = f"; degraded: {found['degraded']}" if found.get("degraded") else ""
    missing = [name for name, value in (("retelling", text), ("provider", provider)) if not value]
    if missing:
        raise refuse("PRB-CONTENT", subject, f"the answer has no {' and no '.join(missing)}{degraded}", fix=_FIX)
    if not own_beats(visit, found):
        raise refuse("PRB-FAILED", subject, "a retelling came, but not of the memory that was stored", fix=_FIX)
    return f"{provider} retold it in {len(text)} characters{degraded}"
