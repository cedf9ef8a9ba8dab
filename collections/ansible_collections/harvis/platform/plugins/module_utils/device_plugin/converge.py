"""From the objects and labels that are there to those that are wanted."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import (
    GPU_LABEL,
    KINDS,
    LABELS,
    SELECTOR,
    SIMULATED_LABEL,
    wanted_objects,
)
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import described, differences

MANAGER = "harvis-device-plugin"


@dataclass(frozen=True)
class Relabel:
    """Labels of one node that differ; None is a label that goes."""

    node: str
    labels: dict[str, str | None]
    found: dict[str, str | None]

    def operations(self) -> list[dict[str, t.Any]]:
        return [_operation(key, value) for key, value in self.labels.items()]


@dataclass(frozen=True)
class Plan:
    """What has to be written, and why; ``before`` and ``after`` are the same things in two states, for people."""

    write: tuple[Object, ...] = ()
    delete: tuple[ObjectRef, ...] = ()
    relabel: tuple[Relabel, ...] = ()
    reasons: tuple[str, ...] = ()
    before: dict[str, t.Any] = field(default_factory=dict)
    after: dict[str, t.Any] = field(default_factory=dict)


def plan(cluster: Cluster, options: PluginOptions, nodes: t.Sequence[Object], *, present: bool = True) -> Plan:
    """Raises HarvisError (PLB-INPUT) for a node that the cluster does not have."""
    wanted = [body for body in wanted_objects(options) if not _is_others(cluster, body)] if present else []
    write, reasons = [], []
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for body in wanted:
        ref = ObjectRef.of(body)
        found, answer = _compared(cluster, ref, body)
        changes = differences(found, answer) if found else []
        if found is None or changes:
            write.append(body)
            reasons += [f"{ref}: {change}" for change in changes] or [f"{ref} is missing"]
            before[str(ref)], after[str(ref)] = found, answer
    superfluous = _superfluous(cluster, {ObjectRef.of(body) for body in wanted})
    relabels = _relabels(nodes, options if present else None)
    for ref in superfluous:
        reasons.append(f"{ref} is not wanted")
        before[str(ref)] = "present"
    for change in relabels:
        reasons += [f"Node {change.node}: label {key}: {change.found[key]} -> {v}" for key, v in change.labels.items()]
        before[f"Node {change.node}"], after[f"Node {change.node}"] = change.found, change.labels
    return Plan(tuple(write), tuple(superfluous), tuple(relabels), tuple(reasons), before, after)


def apply(cluster: Cluster, planned: Plan) -> None:
    """Labels first, so that the DaemonSet finds its nodes; what goes, goes before what comes in its place."""
    for change in planned.relabel:
        cluster.patch(ObjectRef("v1", "Node", change.node), change.operations())
    for ref in planned.delete:
        cluster.delete(ref)
    for body in planned.write:
        if body["kind"] == "RuntimeClass":
            _make_way(cluster, body)
        cluster.apply(body, manager=MANAGER)


def _make_way(cluster: Cluster, body: Object) -> None:
    """A RuntimeClass's handler can't be changed; running pods keep theirs when the class is replaced."""
    ref = ObjectRef.of(body)
    found = cluster.get(ref)
    if found is not None and found.get("handler") != body["handler"]:
        cluster.delete(ref)


def _compared(cluster: Cluster, ref: ObjectRef, body: Object) -> tuple[Object | None, Object]:
    """What is there, and the server's own answer to what would be there."""
    found = cluster.get(ref)
    if body["kind"] == "RuntimeClass" and found is not None and found.get("handler") != body["handler"]:
        return described(found), {**described(found), "handler": body["handler"]}
    try:
        answer = cluster.apply(body, manager=MANAGER, dry_run=True)
    except ApiRefusal as exc:
        # A dry run makes no namespace for those that lie in it.
        if found is None and exc.status == 404:
            return None, body
        raise
    return (described(found) if found else None), described(answer)


def _is_others(cluster: Cluster, body: Object) -> bool:
    """A namespace that was there before us bears no label of ours, so that removal leaves it alone."""
    found = cluster.get(ObjectRef.of(body)) if body["kind"] == "Namespace" else None
    labels = (found or {}).get("metadata", {}).get("labels") or {}
    return found is not None and any(labels.get(key) != value for key, value in LABELS.items())


def _superfluous(cluster: Cluster, wanted: set[ObjectRef]) -> list[ObjectRef]:
    found = [ObjectRef.of(body) for version, kind, _ in KINDS for body in cluster.find(version, kind, labels=SELECTOR)]
    return [ref for ref in found if ref not in wanted]


def _relabels(nodes: t.Sequence[Object], options: PluginOptions | None) -> list[Relabel]:
    names = {node.name for node in options.gpu_nodes} if options else set()
    known = {node["metadata"]["name"] for node in nodes}
    if unknown := sorted(names - known):
        raise fail(
            "PLB-INPUT",
            "nodes",
            f"the cluster has no node {', '.join(unknown)}",
            evidence=f"its nodes: {', '.join(sorted(known)) or 'none'}",
            fix="Name nodes as `kubectl get nodes` shows them.",
        )
    found = [_relabel(node, options, named=node["metadata"]["name"] in names) for node in nodes]
    return [change for change in found if change.labels]


def _relabel(node: Object, options: PluginOptions | None, *, named: bool) -> Relabel:
    labels = node["metadata"].get("labels") or {}
    simulated = named and options is not None and options.simulated
    wanted = {GPU_LABEL: "true" if named else None, SIMULATED_LABEL: "true" if simulated else None}
    changed = {key: value for key, value in wanted.items() if labels.get(key) != value}
    return Relabel(node["metadata"]["name"], changed, {key: labels.get(key) for key in changed})


def _operation(key: str, value: str | None) -> dict[str, t.Any]:
    path = "/metadata/labels/" + key.replace("~", "~0").replace("/", "~1")
    return {"op": "remove", "path": path} if value is None else {"op": "add", "path": path, "value": value}
