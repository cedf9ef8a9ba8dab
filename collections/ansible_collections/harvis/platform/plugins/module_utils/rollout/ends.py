"""Why a container ended: its memory, its probe, or what its log says last."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.exits import killed_for_memory, meaning
from ansible_collections.harvis.platform.plugins.module_utils.rollout.explain import explained
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import named, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings
from ansible_collections.harvis.platform.plugins.module_utils.rollout.usage import held_back, limit, mebi


def terminated(pod: Object, state: Object, ended: Object, around: Surroundings) -> Finding:
    """One finding about a container that ended with ``ended``, and does not go on."""
    subject, name, times = f"{path(pod)} {state['name']}", state["name"], state.get("restartCount", 0)
    if killed_for_memory(ended):
        return Finding(
            "ROL-MEMORY",
            subject,
            f"killed for its memory (OOMKilled), {times} restarts",
            evidence=memory_seen(pod, name, around),
            fix=f"Raise {around.leaf(pod, name, 'memory')}, or give it less to do.",
        )
    log = around.log(pod, name) or (ended.get("message") or "")
    crash = Finding(
        "ROL-CRASH",
        subject,
        f"ends with {meaning(ended)}, {times} restarts",
        evidence=_last(log),
        fix=f"`kubectl logs {named(pod)} -c {name} --previous` shows its last words.",
    )
    return _starved(crash, pod, name, around) or explained(crash, pod, name, log, around)


def memory_seen(pod: Object, container: str, around: Surroundings) -> str:
    usage = around.usage(pod, container)
    used = f", at most {mebi(usage.most)} seen in use" if usage and usage.most else ""
    return f"limit {limit(pod, container, 'memory')}{used}"


def _starved(crash: Finding, pod: Object, container: str, around: Surroundings) -> Finding | None:
    """Killed by its probe while its CPU limit kept it from answering."""
    usage = around.usage(pod, container)
    if not usage or not held_back(usage):
        return None
    return Finding(
        "ROL-THROTTLE",
        crash.subject,
        f"its CPU limit {limit(pod, container, 'cpu')} keeps it from answering its probe in time; it {crash.cause}",
        f"throttled in {usage.throttled} of {usage.periods} periods of 100 ms",
        f"Raise {around.leaf(pod, container, 'cpu')}, or give the probe more time.",
    )


def _last(log: str) -> str:
    lines = log.strip().splitlines()
    return lines[-1][:300] if lines else ""
