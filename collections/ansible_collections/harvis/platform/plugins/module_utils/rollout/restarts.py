"""Restarts that need an explanation, told apart from those that a start of the node explains."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.ends import memory_seen
from ansible_collections.harvis.platform.plugins.module_utils.rollout.exits import killed_for_memory, meaning
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import all_containers, moment, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings

# What lived on the node before it started may fall over its neighbours while they start.
SETTLING = dt.timedelta(minutes=5)
ALONE = Surroundings()


@dataclass(frozen=True)
class Restarts:
    """What is to be said about a pod's restarts: ``listed`` are explained, ``findings`` are not."""

    listed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def judge(pod: Object, started: dt.datetime | None, around: Surroundings = ALONE) -> Restarts:
    """``started`` is when the pod's node last started."""
    again = [state for state in all_containers(pod) if state.get("restartCount")]
    explained = [state for state in again if _by_node_start(pod, state, started)]
    listed = tuple(f"{state['name']} restarted {_times(state)} up to its node's start" for state in explained)
    findings = tuple(_finding(pod, state, around) for state in again if state not in explained)
    return Restarts(listed, findings)


def _by_node_start(pod: Object, state: Object, started: dt.datetime | None) -> bool:
    """A pod that was deployed after its node's start cannot blame it."""
    deployed = moment(pod["metadata"].get("creationTimestamp"))
    begun = moment((state.get("state") or {}).get("running", {}).get("startedAt")) or _ended(state)
    if not started or not deployed or not begun:
        return False
    return deployed < started and begun <= started + SETTLING


def _ended(state: Object) -> dt.datetime | None:
    """Init containers that are done do not run: their end tells when they last ran."""
    return moment((state.get("state") or {}).get("terminated", {}).get("finishedAt"))


def _times(state: Object) -> str:
    count = state["restartCount"]
    return "once" if count == 1 else f"{count} times"


def _finding(pod: Object, state: Object, around: Surroundings) -> Finding:
    last = (state.get("lastState") or {}).get("terminated") or {}
    when = f"last ended at {last['finishedAt']} with {meaning(last)}" if last.get("finishedAt") else ""
    subject, cause = (
        f"{path(pod)} {state['name']}",
        f"restarted {_times(state)} since it was deployed and its node started",
    )
    logs = (
        f"`kubectl logs -n {pod['metadata']['namespace']} {pod['metadata']['name']} -c {state['name']} --previous`"
        " shows why; new pods begin to count anew."
    )
    if killed_for_memory(last):
        fix = f"Raise {around.leaf(pod, state['name'], 'memory')}, or give it less to do. {logs}"
        return Finding("ROL-MEMORY", subject, cause, f"{when}; {memory_seen(pod, state['name'], around)}", fix)
    return Finding("ROL-RESTART", subject, cause, when, logs)
