"""``DELETE /api/memories``: verifying must not fill a user's memory, however the checks before went."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import ProbeError, refuse
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import Promise, keep
from ansible_collections.harvis.platform.plugins.module_utils.probe.recall import ask
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/memories"
ATTEMPTS = 3


def check(visit: Visit) -> str:
    """Delete every anchor of ours; one whose id nobody told us is looked for by its text first."""
    if not visit.memory_ids:
        _search(visit)
    if not visit.memory_ids:
        return "nothing was stored, nothing to delete"
    findings = [finding for anchor_id in visit.memory_ids for finding in _delete(visit, anchor_id)]
    if findings:
        raise ProbeError(*findings)
    return f"deleted {', '.join(visit.memory_ids)}"


def _search(visit: Visit) -> None:
    try:
        ask(visit, "forget")
    except ProbeError as exc:
        raise refuse(
            "PRB-LEFTOVER",
            f"POST {visit.url(PATH)}",
            "cannot tell whether the memory was stored: its id was never told and recall fails",
            evidence=exc.findings[0].cause,
            fix=f"When recall works again, look for the text {visit.memory_text!r} and delete its anchor.",
        ) from exc


def _delete(visit: Visit, anchor_id: str) -> tuple[Finding, ...]:
    """One anchor, tried a few times. 404 is good news only where it may never have been stored, or be gone already."""
    may_be_absent = not visit.memory_ids[anchor_id]
    cause = ""
    for _ in range(ATTEMPTS):
        promise = Promise(status=(204, 404) if may_be_absent else (204,), content_type=None)
        try:
            keep(visit.send("forget", "DELETE", f"{PATH}/{anchor_id}"), promise)
        except ProbeError as exc:
            cause = exc.findings[0].cause
            may_be_absent |= exc.findings[0].code in ("PRB-SLOW", "PRB-UNREACHABLE")
        else:
            return ()
    url = visit.url(f"{PATH}/{anchor_id}")
    left = refuse("PRB-LEFTOVER", f"DELETE {url}", f"the memory is left behind: {cause}", fix=f"curl -X DELETE {url}")
    return left.findings
