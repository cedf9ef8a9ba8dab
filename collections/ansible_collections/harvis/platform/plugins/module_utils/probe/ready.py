"""``/ready``: the backend and everything behind it say that they can serve, or the cause why not."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import ProbeError, refuse
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import MAYBE_TEXT, Promise, keep, record
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/ready"
PAUSE_SECONDS = 2.0
_CHECK = record({"ok": {"type": "boolean"}}, {"cause": MAYBE_TEXT})
_READY = record(
    {
        "ready": {"type": "boolean"},
        "checks": {"type": "object", "minProperties": 1, "additionalProperties": _CHECK},
    }
)


def check(visit: Visit, sleep: t.Callable[[float], None] = time.sleep) -> str:
    """Ask until it is ready or the wait is over; a platform that has just been started may need a moment."""
    deadline = time.monotonic() + visit.settings.wait
    while True:
        try:
            return _ask(visit)
        except ProbeError:
            if time.monotonic() + PAUSE_SECONDS > deadline:
                raise
        sleep(PAUSE_SECONDS)


def _ask(visit: Visit) -> str:
    answer = visit.send("ready", "GET", PATH)
    found = keep(answer, Promise(status=(200, 503), schema=_READY))
    missing = {name: seen.get("cause") or "no cause given" for name, seen in found["checks"].items() if not seen["ok"]}
    if missing or not found["ready"] or answer.status != 200:
        causes = ", ".join(f"{name}: {cause}" for name, cause in sorted(missing.items()))
        raise refuse(
            "PRB-FAILED",
            answer.subject,
            f"not ready: {causes or f'status {answer.status}, and no check names a cause'}",
            fix="Mend what the named checks wait for; `kubectl get pods -n vhm` shows the services behind the backend.",
        )
    return "ready: " + ", ".join(sorted(found["checks"]))
