"""What the kubelet's own measurements say of containers: memory at its peak, processes killed, CPU held back."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import containers, path

# A container that is held back in this share of its periods does next to nothing else than wait.
THROTTLED_SHARE = 0.5
# Fewer periods (of 100 ms each) than these say nothing: every program is busy while it starts.
LEAST_PERIODS = 600
METRICS = {
    "container_memory_max_usage_bytes": "peak",
    "container_memory_working_set_bytes": "memory",
    "container_oom_events_total": "kills",
    "container_cpu_cfs_periods_total": "periods",
    "container_cpu_cfs_throttled_periods_total": "throttled",
}
_LINE = re.compile(r"^(?P<metric>\w+)\{(?P<labels>[^}]*)\} (?P<value>[0-9.eE+-]+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Key = tuple[str, str]


@dataclass(frozen=True)
class Usage:
    """Of one container since it began. ``peak`` is what was used at most, or now where no peak is kept."""

    peak: int = 0
    memory: int = 0
    kills: int = 0
    periods: int = 0
    throttled: int = 0

    @property
    def most(self) -> int:
        return max(self.peak, self.memory)


def metrics_path(node: str) -> str:
    return f"/api/v1/nodes/{node}/proxy/metrics/cadvisor"


def is_limited(pod: Object) -> bool:
    """Whether a container of the pod, or the pod itself, may have too little processor time or memory."""
    spec = pod["spec"]
    given = [spec, *spec.get("containers", ()), *(spec.get("initContainers") or ())]
    return any((part.get("resources") or {}).get("limits") for part in given)


def read(text: str) -> dict[Key, Usage]:
    """From the kubelet's text to usages by ``namespace/pod`` and container; a container that began anew adds up."""
    found: dict[Key, dict[str, int]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match or match["metric"] not in METRICS:
            continue
        labels = dict(_LABEL.findall(match["labels"]))
        if not labels.get("container") or labels["container"] == "POD":
            continue
        key = f"{labels.get('namespace', '')}/{labels.get('pod', '')}", labels["container"]
        name, value = METRICS[match["metric"]], int(float(match["value"]))
        told = found.setdefault(key, {})
        told[name] = max(told.get(name, 0), value)
    return {key: Usage(**told) for key, told in found.items()}


def judge(pod: Object, usages: t.Mapping[Key, Usage], leaves: t.Callable[[Object, str, str], str]) -> list[Finding]:
    """Findings about containers that run; those that were killed themselves have a finding of their own."""
    findings = []
    for state in containers(pod):
        usage = usages.get((path(pod), state["name"]))
        running = (state.get("state") or {}).get("running")
        if usage and running and usage.kills and not state.get("restartCount"):
            findings.append(_child(pod, state["name"], usage, leaves))
        if usage and running and held_back(usage):
            findings.append(_throttled(pod, state["name"], usage, leaves))
    return findings


def held_back(usage: Usage) -> bool:
    return usage.periods >= LEAST_PERIODS and usage.throttled / usage.periods >= THROTTLED_SHARE


def limit(pod: Object, container: str, resource: str) -> str:
    spec = next((spec for spec in pod["spec"]["containers"] if spec["name"] == container), {})
    return str(((spec.get("resources") or {}).get("limits") or {}).get(resource, "")) or "no limit"


def mebi(amount: int) -> str:
    return f"{amount // 2**20}Mi"


def _child(pod: Object, container: str, usage: Usage, leaves: t.Callable[[Object, str, str], str]) -> Finding:
    times = "once" if usage.kills == 1 else f"{usage.kills} times"
    return Finding(
        "ROL-CHILD",
        f"{path(pod)} {container}",
        f"the kernel killed a process inside it for memory {times}, and the container runs on without it",
        f"limit {limit(pod, container, 'memory')}, at most {mebi(usage.most)} used",
        f"Raise {leaves(pod, container, 'memory')}, or have the program start fewer processes.",
    )


def _throttled(pod: Object, container: str, usage: Usage, leaves: t.Callable[[Object, str, str], str]) -> Finding:
    return Finding(
        "ROL-THROTTLE",
        f"{path(pod)} {container}",
        f"its CPU limit {limit(pod, container, 'cpu')} holds it back in "
        f"{usage.throttled * 100 // usage.periods} % of the time in which it has work",
        f"throttled in {usage.throttled} of {usage.periods} periods of 100 ms",
        f"Raise {leaves(pod, container, 'cpu')}, or give the program less to do.",
    )
