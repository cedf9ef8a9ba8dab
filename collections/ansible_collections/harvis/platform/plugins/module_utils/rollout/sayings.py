"""What pods say when they are asked: the ends of their logs, their readiness endpoints, their nodes' measurements."""

from __future__ import annotations

import contextlib
import datetime as dt
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, ClusterError, Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout import usage
from ansible_collections.harvis.platform.plugins.module_utils.rollout.answers import probe_path, said
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import (
    all_containers,
    condition,
    counts,
    is_ready,
    moment,
    path,
)

Key = tuple[str, str]
LOG_LINES = 40
# Of a pod that is Ready only what it says now counts, and not what it said before it was.
RECENT_SECONDS = 60
# The kubelet's words for a log that is gone; they come with status 200.
_NO_LOG = "unable to retrieve container logs"


@dataclass(frozen=True)
class Sayings:
    """By ``namespace/pod`` and container."""

    logs: t.Mapping[Key, str] = field(default_factory=dict)
    answers: t.Mapping[Key, str] = field(default_factory=dict)
    usages: t.Mapping[Key, usage.Usage] = field(default_factory=dict)


def listen(
    cluster: Cluster, pods: t.Iterable[Object], now: dt.datetime | None = None, *, measure: bool = True
) -> Sayings:
    """Whatever cannot be had is left out: it only helps to explain.

    Without ``measure`` only the nodes of pods that are not well are asked for their measurements.
    """
    now = now or dt.datetime.now(dt.UTC)
    logs: dict[Key, str] = {}
    answers: dict[Key, str] = {}
    present = [pod for pod in pods if counts(pod) and pod["spec"].get("nodeName")]
    for pod in present:
        for state in all_containers(pod):
            if text := _log(cluster, pod, state, now):
                logs[path(pod), state["name"]] = text
            if answer := _answer(cluster, pod, state):
                answers[path(pod), state["name"]] = answer
    # What has no limit is neither held back nor killed for what it takes, and a kubelet measures all of its node anew.
    measured = [pod for pod in present if usage.is_limited(pod) and (measure or not _is_well(pod))]
    nodes = {pod["spec"]["nodeName"] for pod in measured}
    return Sayings(logs, answers, _usages(cluster, nodes))


def _log(cluster: Cluster, pod: Object, state: Object, now: dt.datetime) -> str:
    place = pod["metadata"]["namespace"], pod["metadata"]["name"], state["name"]
    if is_ready(pod):
        since = moment(condition(pod, "Ready").get("lastTransitionTime"))
        settled = since is not None and (now - since).total_seconds() > RECENT_SECONDS
        return _lines(cluster, *place, previous=False, since=RECENT_SECONDS) if settled else ""
    current = state.get("state") or {}
    if state.get("ready") or not (current.get("running") or current.get("terminated") or _crashed(state)):
        return ""
    # Between two starts the crashed container's log is the current one, after a start the previous one.
    text = _lines(cluster, *place, previous=False)
    return text if not _crashed(state) or text else _lines(cluster, *place, previous=True)


def _is_well(pod: Object) -> bool:
    return is_ready(pod) and not any(state.get("restartCount") for state in all_containers(pod))


def _crashed(state: Object) -> bool:
    return bool((state.get("lastState") or {}).get("terminated"))


def _lines(cluster: Cluster, namespace: str, pod: str, container: str, *, previous: bool, since: int = 0) -> str:
    with contextlib.suppress(ClusterError):
        text = cluster.logs(namespace, pod, container, previous=previous, lines=LOG_LINES, since=since)
        return "" if text.startswith(_NO_LOG) else text.strip()
    return ""


def _answer(cluster: Cluster, pod: Object, state: Object) -> str:
    if state.get("ready") or not (state.get("state") or {}).get("running"):
        return ""
    place = probe_path(pod, state["name"])
    if not place:
        return ""
    with contextlib.suppress(ClusterError):
        status, body = cluster.ask(place)
        # The API server's own refusals are a Status object and say nothing of the pod.
        if '"kind":"Status"' not in body.replace(" ", ""):
            return said(status, body)
    return ""


def _usages(cluster: Cluster, nodes: t.Iterable[str]) -> dict[Key, usage.Usage]:
    found: dict[Key, usage.Usage] = {}
    for node in sorted(nodes):
        with contextlib.suppress(ClusterError, ApiRefusal):
            status, text = cluster.ask(usage.metrics_path(node))
            found.update(usage.read(text) if status == 200 else {})
    return found
