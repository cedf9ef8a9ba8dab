"""What keeps a pod from getting ready for ever, unless something outside changes."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import all_containers

# A restart stays counted, an image that nobody serves stays away: only these may pass.
PASSING = frozenset(
    {
        "ROL-TIMEOUT",
        "ROL-PROBE",
        "ROL-SCHEDULE",
        "ROL-VOLUME",
        "ROL-SANDBOX",
        "ROL-NODE",
        "ROL-MISSING",
        "ROL-CRASH",
        "ROL-INIT",
        "ROL-QUOTA",
        "ROL-WEBHOOK",
        "ROL-REVISION",
        "ROL-PRESSURE",
        "NET-ENDPOINT",
        "NET-DNS",
        "KFK-TOPIC",
        "VEC-REFUSED",
        "MDL-MISSING",
        "PRB-CONTENT",
    }
)
# A variable that is refused, a command that is not executable, not found or not startable stays so.
_FINAL_EXITS = frozenset({78, 126, 127, 128})
_ENOUGH_RESTARTS = 5


def hopeless(finding: Finding, pod: Object) -> bool:
    """Whether nothing but a change from outside makes this pod ready."""
    return finding.code not in PASSING or (finding.code == "ROL-CRASH" and _crashes_for_good(pod))


def _crashes_for_good(pod: Object) -> bool:
    for state in all_containers(pod):
        ended = (state.get("state") or {}).get("terminated") or (state.get("lastState") or {}).get("terminated") or {}
        if ended.get("exitCode") in _FINAL_EXITS or int(state.get("restartCount", 0)) >= _ENOUGH_RESTARTS:
            return True
    return False
