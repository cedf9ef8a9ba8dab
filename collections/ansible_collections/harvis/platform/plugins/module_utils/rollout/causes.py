"""Why a pod is not ready: the first cause in the order in which a pod comes to life."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.exits import killed_for_memory, meaning
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import (
    all_containers,
    condition,
    events_of,
    path,
    phase,
)

IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError")
CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError")
VOLUME_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
SANDBOX_EVENTS = ("FailedCreatePodSandBox", "NetworkNotReady", "FailedCreatePodContainer")


def why_not_ready(pod: Object, events: t.Iterable[Object], nodes: t.Iterable[Object]) -> Finding:
    """One finding about a pod that is not ready."""
    own = events_of(pod, events)
    found = _gone(pod) or _unscheduled(pod) or _node(pod, nodes)
    for state in all_containers(pod):
        found = found or _waiting(pod, state) or _ended(pod, state)
    return found or _being_set_up(pod, own) or _probe(pod, own) or _slow(pod, own)


def _gone(pod: Object) -> Finding | None:
    status = pod.get("status", {})
    if phase(pod) != "Failed":
        return None
    if status.get("reason") == "Evicted":
        return Finding(
            "ROL-EVICTED",
            path(pod),
            f"evicted: {status.get('message', 'no reason given')}",
            fix=f"Free what the node is short of, then `kubectl delete pod {_named(pod)}` removes the record.",
        )
    ended = [found for state in all_containers(pod) if (found := _ended(pod, state))]
    reason = status.get("message") or status.get("reason") or "no reason given"
    fix = f"`kubectl describe pod {_named(pod)}` shows its history; delete it when it is no longer needed."
    return ended[0] if ended else Finding("ROL-CRASH", path(pod), f"the pod failed: {reason}", fix=fix)


def _unscheduled(pod: Object) -> Finding | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "False":
        return None
    message = scheduled.get("message") or scheduled.get("reason") or "no reason given"
    if "persistentvolumeclaim" in message.lower():
        return Finding(
            "ROL-VOLUME",
            path(pod),
            f"waits for its volume: {message}",
            fix="Give the cluster a default StorageClass that makes volumes, or bind the claim to a volume.",
        )
    return Finding("ROL-SCHEDULE", path(pod), f"no node takes it: {message}", fix=_schedule_fix(message))


def _schedule_fix(message: str) -> str:
    if "nvidia.com/gpu" in message:
        return (
            "Free a GPU, raise gpu_plugin_shares, or ask for fewer; "
            "`kubectl describe node` shows what nvidia.com/gpu the nodes offer."
        )
    if "Insufficient" in message:
        return "Lower the requests in the values, or give the node more of what is short."
    if "taint" in message:
        return "Remove the taint from the node, or give the pod a toleration for it."
    return "`kubectl describe node` shows what the nodes offer; compare with the pod's selectors and requests."


def _node(pod: Object, nodes: t.Iterable[Object]) -> Finding | None:
    name = pod["spec"].get("nodeName")
    node = next((node for node in nodes if node["metadata"]["name"] == name), None)
    ready = condition(node, "Ready") if node else {"status": "True"}
    if not name or ready.get("status") == "True":
        return None
    return Finding(
        "ROL-NODE",
        path(pod),
        f"its node {name} is not ready: {ready.get('message') or ready.get('reason') or 'it says nothing'}",
        fix="Look at the kubelet's and containerd's logs on that node; `make up` starts what has stopped.",
    )


def _waiting(pod: Object, state: Object) -> Finding | None:
    waiting = (state.get("state") or {}).get("waiting")
    if not waiting:
        return None
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGE_REASONS:
        return Finding(
            "ROL-IMAGE",
            f"{path(pod)} {state['name']}",
            f"image {state.get('image', '')} cannot be had: {reason}",
            evidence=message,
            fix="`make up` builds and delivers the images; a pulled one needs the right name and credentials.",
        )
    if reason in CONFIG_REASONS:
        return Finding(
            "ROL-CONFIG",
            f"{path(pod)} {state['name']}",
            f"the container cannot be created: {reason}",
            evidence=message,
            fix="Mend what the message names: a ConfigMap, Secret or key that is not there, a command, a mount.",
        )
    last = (state.get("lastState") or {}).get("terminated")
    return _terminated(pod, state, last) if reason == "CrashLoopBackOff" and last else None


def _ended(pod: Object, state: Object) -> Finding | None:
    ended = (state.get("state") or {}).get("terminated")
    return _terminated(pod, state, ended) if ended and ended.get("exitCode") else None


def _terminated(pod: Object, state: Object, ended: Object) -> Finding:
    subject = f"{path(pod)} {state['name']}"
    if killed_for_memory(ended):
        return Finding(
            "ROL-MEMORY",
            subject,
            f"killed for its memory (OOMKilled), {state.get('restartCount', 0)} restarts",
            fix="Raise the container's memory limit in the values, or give it less to do.",
        )
    return Finding(
        "ROL-CRASH",
        subject,
        f"ends with {meaning(ended)}, {state.get('restartCount', 0)} restarts",
        evidence=_last_words(ended),
        fix=f"`kubectl logs {_named(pod)} -c {state['name']} --previous` shows its last words.",
    )


def _last_words(ended: Object) -> str:
    lines = (ended.get("message") or "").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _being_set_up(pod: Object, own: t.Sequence[Object]) -> Finding | None:
    """No container has begun: what the node says that it lacks."""
    if any((state.get("state") or {}).get("running") for state in all_containers(pod)):
        return None
    for event in own:
        message = event.get("message", "")
        if event.get("reason") in VOLUME_EVENTS:
            return Finding(
                "ROL-VOLUME",
                path(pod),
                "a volume cannot be mounted",
                evidence=message,
                fix="Mend what the message names: a ConfigMap, a Secret, a claim or a folder of the node.",
            )
        if event.get("reason") in SANDBOX_EVENTS:
            return Finding(
                "ROL-SANDBOX",
                path(pod),
                "the node cannot set up the pod's sandbox",
                evidence=message,
                fix="Look at the node's network plugin, its pause image and containerd's log.",
            )
    return None


def _probe(pod: Object, own: t.Sequence[Object]) -> Finding | None:
    unready = [s for s in all_containers(pod) if (s.get("state") or {}).get("running") and not s.get("ready")]
    failed = [event.get("message", "") for event in own if event.get("reason") == "Unhealthy"]
    if not unready:
        return None
    subject = f"{path(pod)} {unready[0]['name']}"
    if failed:
        return Finding(
            "ROL-PROBE",
            subject,
            "runs and does not pass its probe",
            evidence=failed[0][:300],
            fix=f"`kubectl logs {_named(pod)} -c {unready[0]['name']}`: what does it wait for?",
        )
    return None


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
        fix=f"`kubectl describe pod {_named(pod)}`; verify again when it has had time to start.",
    )


def _named(pod: Object) -> str:
    metadata = pod["metadata"]
    return f"-n {metadata.get('namespace', '')} {metadata['name']}"
