"""What is wanted of the device plugin."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError

GPU = "nvidia.com/gpu"
MIG_STRATEGIES = ("none", "single", "mixed")


@dataclass(frozen=True)
class GpuNode:
    """A node and what was counted there.

    ``gpus`` are the cards that the plugin should find, ``pci_gpus`` those that PCI shows. ``resources`` replaces what
    follows from them where MIG makes other resources than whole cards.
    """

    name: str
    gpus: int
    pci_gpus: int = 0
    resources: t.Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> GpuNode:
        resources = {str(name): int(count) for name, count in (params.get("resources") or {}).items()}
        return cls(str(params["name"]), int(params["gpus"]), int(params.get("pci_gpus") or 0), resources)


@dataclass(frozen=True)
class PluginOptions:
    """One installation of the plugin. An empty ``runtime_class`` leaves the pods to the node's default runtime.

    ``simulated_root`` is the tree that stands for the nodes' hosts where cards are simulated (hardware.simulation).
    """

    nodes: tuple[GpuNode, ...]
    image: str = ""
    namespace: str = "nvidia-device-plugin"
    shares: int = 1
    mig_strategy: str = "none"
    fail_requests_greater_than_one: bool = True
    runtime_class: str = "nvidia"
    runtime_handler: str = "nvidia"
    simulated_root: str = ""
    kubelet_dir: str = "/var/lib/kubelet"
    timeout: float = 180

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> PluginOptions:
        """Raises HarvisError (PLB-INPUT) with everything that cannot be."""
        names = [name for name in cls.__dataclass_fields__ if name != "nodes" and params.get(name) is not None]
        nodes = tuple(GpuNode.from_params(node) for node in params.get("nodes") or [])
        options = cls(nodes, **{name: params[name] for name in names})
        findings = [*_impossible(options), *_pretended(options)]
        if findings:
            raise HarvisError(*findings)
        return options

    @property
    def simulated(self) -> bool:
        return bool(self.simulated_root)

    def expected(self, node: GpuNode) -> dict[str, int]:
        """What the kubelet of ``node`` must offer. Sharing multiplies cards, as it does for the scheduler."""
        return dict(node.resources) or {GPU: node.gpus * self.shares}

    @property
    def gpu_nodes(self) -> tuple[GpuNode, ...]:
        return tuple(node for node in self.nodes if any(self.expected(node).values()))


def _impossible(options: PluginOptions) -> t.Iterator[Finding]:
    if options.shares < 1:
        fix = "1 gives each card to one container; 2 and more share it by time."
        yield Finding("PLB-INPUT", "shares", f"is {options.shares}; a card has at least one share", fix=fix)
    for node in options.nodes:
        if node.gpus < 0:
            yield Finding("PLB-INPUT", f"nodes: {node.name}", f"gpus is {node.gpus}; it is at least 0")
    twice = {n.name for n in options.nodes if [m.name for m in options.nodes].count(n.name) > 1}
    for name in sorted(twice):
        yield Finding("PLB-INPUT", f"nodes: {name}", "is there twice", fix="Name each node once.")
    if options.mig_strategy == "mixed" and any(node.gpus and not node.resources for node in options.nodes):
        cause = "with MIG strategy mixed the plugin offers a resource for each profile, and none is named"
        fix = "Give each node's resources, such as {nvidia.com/mig-1g.5gb: 7}."
        yield Finding("PLB-INPUT", "nodes", cause, fix=fix)


def _pretended(options: PluginOptions) -> t.Iterator[Finding]:
    """A simulated card beside a real one would take the real one's place without a word."""
    for node in options.nodes if options.simulated else ():
        if node.pci_gpus:
            yield Finding(
                "PLB-INPUT",
                f"node {node.name}",
                "GPUs are to be simulated on a node that has NVIDIA devices",
                evidence=f"{node.pci_gpus} on the PCI bus",
                fix="Leave out simulated_root (gpu_host_simulated_gpus: 0) and use the cards.",
            )
