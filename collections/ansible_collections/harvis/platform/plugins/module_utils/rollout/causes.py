"""Why a pod is not ready: the first cause in the order in which a pod comes to life."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.ends import terminated
from ansible_collections.harvis.platform.plugins.module_utils.rollout.explain import explained, unreached
from ansible_collections.harvis.platform.plugins.module_utils.rollout.nodes import not_ready, why_no_image
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import (
    all_containers,
    events_of,
    named,
    path,
    phase,
)
from ansible_collections.harvis.platform.plugins.module_utils.rollout.shortage import unscheduled
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings
from ansible_collections.harvis.platform.plugins.module_utils.rollout.volumes import missing_key, unmounted, why_pending

IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError")
CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError")
SANDBOX_EVENTS = ("FailedCreatePodSandBox", "NetworkNotReady", "FailedCreatePodContainer")
ALONE = Surroundings()
# The kubelet's own words, with the event Killing.
_KILLED = re.compile(r"Container (?P<name>\S+) failed (?P<probe>liveness|startup) probe, will be restarted")


def why_not_ready(
    pod: Object, events: t.Iterable[Object], nodes: t.Iterable[Object], around: Surroundings = ALONE
) -> Finding:
    """One finding about a pod that is not ready."""
    events, nodes = list(events), list(nodes)
    own = events_of(pod, events)
    found = _gone(pod, around) or _unscheduled(pod, events, nodes, around) or not_ready(pod, nodes)
    for state in all_containers(pod):
        found = found or _killed_by_probe(_waiting(pod, state, nodes, around) or _ended(pod, state, around), state, own)
    found = found or _being_set_up(pod, own)
    return found or _init(pod, around) or _probe(pod, own, around) or _slow(pod, own)


def _gone(pod: Object, around: Surroundings) -> Finding | None:
    status = pod.get("status", {})
    if phase(pod) != "Failed":
        return None
    if status.get("reason") == "Evicted":
        return Finding(
            "ROL-EVICTED",
            path(pod),
            f"evicted: {status.get('message', 'no reason given')}",
            fix=f"Free what the node is short of, then `kubectl delete pod {named(pod)}` removes the record.",
        )
    ended = [found for state in all_containers(pod) if (found := _ended(pod, state, around))]
    reason = status.get("message") or status.get("reason") or "no reason given"
    fix = f"`kubectl describe pod {named(pod)}` shows its history; delete it when it is no longer needed."
    return ended[0] if ended else Finding("ROL-CRASH", path(pod), f"the pod failed: {reason}", fix=fix)


def _unscheduled(pod: Object, events: t.Iterable[Object], nodes: list[Object], around: Surroundings) -> Finding | None:
    found = unscheduled(pod, nodes, around.pods)
    if found and found.code == "ROL-VOLUME":
        return replace(found, evidence=why_pending(pod, around.claims, events))
    return found


def _waiting(pod: Object, state: Object, nodes: list[Object], around: Surroundings) -> Finding | None:
    waiting = (state.get("state") or {}).get("waiting")
    if not waiting:
        return None
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGE_REASONS:
        return _no_image(pod, state, nodes, around)
    if reason in CONFIG_REASONS:
        return Finding(
            "ROL-CONFIG",
            f"{path(pod)} {state['name']}",
            missing_key(message) or f"the container cannot be created: {reason}",
            evidence=message,
            fix="Mend what the message names: a ConfigMap, Secret or key that is not there, a command, a mount.",
        )
    last = (state.get("lastState") or {}).get("terminated")
    return terminated(pod, state, last, around) if reason == "CrashLoopBackOff" and last else None


def _no_image(pod: Object, state: Object, nodes: list[Object], around: Surroundings) -> Finding:
    waiting = state["state"]["waiting"]
    # The status has the name that the runtime made of it, or none before an image is there.
    specs = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    image = next((c.get("image") for c in specs if c["name"] == state["name"]), "") or state.get("image", "")
    node = next((node for node in nodes if node["metadata"]["name"] == pod["spec"].get("nodeName")), None)
    code, why = why_no_image(image, node, around.node_events)
    return Finding(
        code or "ROL-IMAGE",
        f"{path(pod)} {state['name']}",
        f"image {image} cannot be had: {waiting.get('reason', '')}" + (f"; {why}" if why else ""),
        evidence=waiting.get("message", ""),
        fix="`make up` builds and delivers the images; a pulled one needs the right name and credentials.",
    )


def _ended(pod: Object, state: Object, around: Surroundings) -> Finding | None:
    ended = (state.get("state") or {}).get("terminated")
    return terminated(pod, state, ended, around) if ended and ended.get("exitCode") else None


def _killed_by_probe(found: Finding | None, state: Object, own: t.Sequence[Object]) -> Finding | None:
    """A crash that is none: the kubelet ends what does not pass its liveness or startup probe."""
    if found is None or found.code != "ROL-CRASH":
        return found
    for event in own:
        killed = _KILLED.search(event.get("message", ""))
        if event.get("reason") == "Killing" and killed and killed["name"] == state["name"]:
            failed = [
                e.get("message", "") for e in own if e.get("message", "").startswith(killed["probe"].capitalize())
            ]
            return replace(
                found,
                cause=f"the kubelet ends it because it fails its {killed['probe']} probe; it {found.cause}",
                evidence=failed[0][:300] if failed else found.evidence,
                fix="Give a slow start a startupProbe with time enough, or mend what keeps it from answering: "
                + found.fix,
            )
    return found


def _being_set_up(pod: Object, own: t.Sequence[Object]) -> Finding | None:
    """No container has begun: what the node says that it lacks."""
    if any((state.get("state") or {}).get("running") for state in all_containers(pod)):
        return None
    for event in own:
        if found := unmounted(pod, event):
            return found
        if event.get("reason") in SANDBOX_EVENTS:
            return Finding(
                "ROL-SANDBOX",
                path(pod),
                "the node cannot set up the pod's sandbox",
                evidence=event.get("message", ""),
                fix="Look at the node's network plugin, its pause image and containerd's log.",
            )
    return None


def _init(pod: Object, around: Surroundings) -> Finding | None:
    """An init container that runs holds back all that come after it."""
    sidecars = {c["name"] for c in pod["spec"].get("initContainers") or [] if c.get("restartPolicy") == "Always"}
    for state in pod.get("status", {}).get("initContainerStatuses") or []:
        begun = (state.get("state") or {}).get("running")
        if not begun or state["name"] in sidecars:
            continue
        subject, log = f"{path(pod)} {state['name']}", around.log(pod, state["name"])
        held = Finding(
            "ROL-INIT",
            subject,
            f"the init container runs since {begun.get('startedAt', 'its start')} and the others wait for it",
            _last(log),
            f"`kubectl logs {named(pod)} -c {state['name']}`: what does it wait for?",
        )
        return explained(held, pod, state["name"], log, around)
    return None


def _probe(pod: Object, own: t.Sequence[Object], around: Surroundings) -> Finding | None:
    unready = [s for s in all_containers(pod) if (s.get("state") or {}).get("running") and not s.get("ready")]
    failed = [event.get("message", "") for event in own if event.get("reason") == "Unhealthy"]
    if not unready:
        return None
    container = unready[0]["name"]
    answer, log = around.answer(pod, container), around.log(pod, container)
    if failed or answer:
        found = Finding(
            "ROL-PROBE",
            f"{path(pod)} {container}",
            "runs and does not pass its probe" + (f": {answer}" if answer else ""),
            evidence=failed[0][:300] if failed else _last(log),
            fix=f"`kubectl logs {named(pod)} -c {container}`: what does it wait for?",
        )
        return unreached(explained(found, pod, container, f"{log}\n{answer}", around), pod, log, around)
    return None


def _last(log: str) -> str:
    lines = log.strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""


def _slow(pod: Object, own: t.Sequence[Object]) -> Finding:
    waiting = [
        f"{state['name']}: {(state.get('state') or {}).get('waiting', {}).get('reason') or 'not ready'}"
        for state in all_containers(pod)
        if not state.get("ready")
    ]
    latest = own[0].get("message", "") if own else ""
    return Finding(
        "ROL-TIMEOUT",
        path(pod),
        f"is not ready yet: {', '.join(waiting) or phase(pod) or 'no status'}",
        evidence=latest[:300],
        fix=f"`kubectl describe pod {named(pod)}`; verify again when it has had time to start.",
    )
