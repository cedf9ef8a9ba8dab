"""Reading one pod, as the kubelet reports it."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object


def path(found: Object) -> str:
    """``namespace/name``, as people and kubectl write it."""
    metadata = found["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def named(found: Object) -> str:
    """The object as kubectl takes it after a kind."""
    metadata = found["metadata"]
    return f"-n {metadata.get('namespace', '')} {metadata['name']}"


def counts(pod: Object) -> bool:
    """Pods that belong to the platform's present state: not those that are done or on their way out."""
    return "deletionTimestamp" not in pod["metadata"] and phase(pod) != "Succeeded"


def phase(pod: Object) -> str:
    return str(pod.get("status", {}).get("phase", ""))


def containers(pod: Object) -> list[Object]:
    return list(pod.get("status", {}).get("containerStatuses") or [])


def all_containers(pod: Object) -> list[Object]:
    """Init containers first, in the order in which the kubelet takes them."""
    return [*(pod.get("status", {}).get("initContainerStatuses") or []), *containers(pod)]


def is_ready(pod: Object) -> bool:
    """Every container that the pod asks for is there and ready, and so is the pod itself."""
    states = containers(pod)
    whole = len(states) == len(pod["spec"]["containers"]) and all(state.get("ready") for state in states)
    return whole and condition(pod, "Ready").get("status") == "True"


def condition(found: Object, kind: str) -> Object:
    conditions = found.get("status", {}).get("conditions") or []
    return next((entry for entry in conditions if entry.get("type") == kind), {})


def moment(text: str | None) -> dt.datetime | None:
    """A time as the API writes it, with or without a fraction of a second."""
    return dt.datetime.fromisoformat(text) if text else None


def events_of(pod: Object, events: t.Iterable[Object]) -> list[Object]:
    """The pod's own events, the latest first."""
    uid = pod["metadata"].get("uid")
    own = [event for event in events if event.get("involvedObject", {}).get("uid") == uid]
    return sorted(own, key=_when, reverse=True)


def _when(event: Object) -> str:
    series = event.get("series") or {}
    return (
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("metadata", {}).get("creationTimestamp")
        or ""
    )


def event_time(event: Object) -> dt.datetime | None:
    return moment(_when(event))
