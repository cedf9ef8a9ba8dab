"""Taking the plugin away, with everything that it left on nodes."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin import converge
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import GPU, PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.promised import holders
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import offer
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.wait import PAUSE_SECONDS, Clock, Progress
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError, Place
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object, ObjectRef

# The kubelet counts a plugin's devices for five minutes after its end (endpointStopGracePeriod), then sets them to 0.
LETTING_GO_SECONDS = 360.0


class NodeCluster(Cluster, t.Protocol):
    """A cluster in which what the kubelets report can be edited."""

    def patch_status(self, ref: ObjectRef, operations: list[dict[str, t.Any]]) -> Object: ...


def ensure_absent(
    cluster: NodeCluster, options: PluginOptions, *, check_mode: bool = False, clock: Clock | None = None
) -> dict[str, t.Any]:
    """The module's result. Raises HarvisError: pods that hold GPUs, a kubelet that does not let go in time."""
    clock = clock or Clock()
    nodes = cluster.find("v1", "Node")
    planned = converge.plan(cluster, options, nodes, present=False)
    # The label goes last, so that a run that was cut off is known by it. Without a trace of ours, nothing is ours.
    remaining = {name: list(found) for name, found in _counted(nodes, options).items() if planned.reasons}
    reasons = [*planned.reasons, *(f"Node {name} still counts {', '.join(r)}" for name, r in remaining.items())]
    progress = Progress(clock)
    if reasons and not check_mode:
        _refuse_if_used(cluster, options)
        converge.apply(cluster, replace(planned, relabel=()))
        _wait_until_gone(cluster, planned.delete, clock, progress)
        if not any(_serves(body) for body in cluster.find("apps/v1", "DaemonSet")):
            _forget(cluster, options, clock, progress)
        converge.apply(cluster, replace(planned, delete=()))
    return {
        "changed": bool(reasons),
        "reasons": reasons,
        "simulated": options.simulated,
        "diff": {"before": {**planned.before, **remaining}, "after": planned.after},
        "nodes": {},
        "smoke": [],
        "progress": progress.lines,
    }


def _counted(nodes: t.Iterable[Object], options: PluginOptions) -> dict[str, dict[str, int]]:
    """By node, the resources of ours that its kubelet still reports."""
    wanted = {node.name: set(options.expected(node)) | {GPU} for node in options.nodes}
    found = {node["metadata"]["name"]: offer(node).capacity for node in nodes}
    counted = {name: {r: n for r, n in found.get(name, {}).items() if r in names} for name, names in wanted.items()}
    return {name: resources for name, resources in counted.items() if resources}


def _serves(daemon_set: Object) -> bool:
    """Whether it is another device plugin, whose resource may be the one that a kubelet still counts."""
    volumes = daemon_set["spec"]["template"]["spec"].get("volumes") or []
    return any("device-plugins" in str((volume.get("hostPath") or {}).get("path")) for volume in volumes)


def _refuse_if_used(cluster: Cluster, options: PluginOptions) -> None:
    ours = {node.name for node in options.nodes}
    held = {name: pods for name, pods in holders(cluster.find("v1", "Pod")).items() if name in ours}
    findings = [
        Finding.at(
            "PLG-PROMISED",
            Place(object=f"/Node/{name}"),
            f"the plugin is to go, and pods hold its GPUs: {', '.join(sorted(pods))}",
            fix="Remove the release first: its pods could not start again without the plugin.",
        )
        for name, pods in sorted(held.items())
    ]
    if findings:
        raise HarvisError(*findings)


def _wait_until_gone(cluster: Cluster, refs: t.Sequence[ObjectRef], clock: Clock, progress: Progress) -> None:
    """A namespace is gone when all in it has ended."""
    deadline = clock.now() + LETTING_GO_SECONDS
    while left := [ref for ref in refs if cluster.get(ref) is not None]:
        progress.say(f"going: {', '.join(map(str, left))}")
        if clock.now() + PAUSE_SECONDS > deadline:
            fix = "`kubectl get namespace -o yaml` tells in its conditions what keeps it."
            raise HarvisError(
                *(Finding("REL-CLUSTER", str(ref), "is deleted and does not go", fix=fix) for ref in left)
            )
        clock.sleep(PAUSE_SECONDS)


def _forget(cluster: NodeCluster, options: PluginOptions, clock: Clock, progress: Progress) -> None:
    """What a kubelet has let go of stays in its node's status as 0 until somebody takes it out."""
    deadline = clock.now() + max(options.timeout, LETTING_GO_SECONDS)
    while counted := _counted(cluster.find("v1", "Node"), options):
        held = {name: resources for name, resources in counted.items() if any(resources.values())}
        for name in counted.keys() - held.keys():
            _take_out(cluster, name, counted[name])
        if held:
            progress.say("; ".join(f"{n}: the kubelet still counts {r}" for n, r in sorted(held.items())))
            if clock.now() + PAUSE_SECONDS > deadline:
                raise HarvisError(*(_still_counted(name, resources) for name, resources in sorted(held.items())))
            clock.sleep(PAUSE_SECONDS)


def _take_out(cluster: NodeCluster, name: str, resources: t.Iterable[str]) -> None:
    ref = ObjectRef("v1", "Node", name)
    status = (cluster.get(ref) or {}).get("status") or {}
    operations = [
        {"op": "remove", "path": f"/status/{part}/{resource.replace('/', '~1')}"}
        for part in ("capacity", "allocatable")
        for resource in resources
        if resource in (status.get(part) or {})
    ]
    if operations:
        cluster.patch_status(ref, operations)


def _still_counted(name: str, resources: t.Mapping[str, int]) -> Finding:
    return Finding.at(
        "PLG-STALE",
        Place(object=f"/Node/{name}", field="/status/capacity"),
        "the kubelet still counts the GPUs of a plugin that is gone",
        evidence=", ".join(f"{resource} {count}" for resource, count in resources.items()),
        fix="Restart the kubelet of the node, then run this again.",
    )
