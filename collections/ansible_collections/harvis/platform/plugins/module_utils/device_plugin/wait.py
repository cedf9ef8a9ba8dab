"""Waiting until every node offers what was counted there."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.diagnose import (
    cannot_mend_itself,
    diagnose,
)
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster

PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Clock:
    """Time; tests hand in one of their own."""

    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


@dataclass
class Progress:
    """What was seen when, a line for each change."""

    clock: Clock
    lines: list[str] = field(default_factory=list)
    _start: float = field(init=False)
    _last: str = ""

    def __post_init__(self) -> None:
        self._start = self.clock.now()

    def say(self, text: str) -> None:
        if text != self._last:
            self._last = text
            self.lines.append(f"{self.clock.now() - self._start:.0f} s: {text}")


def wait_for_gpus(cluster: Cluster, options: PluginOptions, clock: Clock, progress: Progress) -> Snapshot:
    """Raises HarvisError with the findings of the last look, and all that was seen before."""
    deadline = clock.now() + options.timeout
    while True:
        found = Snapshot.read(cluster, options)
        findings = diagnose(options, found)
        progress.say(offers(options, found))
        if not findings:
            return found
        if cannot_mend_itself(options, found) or clock.now() + PAUSE_SECONDS > deadline:
            raise HarvisError(*findings, progress=progress.lines)
        clock.sleep(PAUSE_SECONDS)


def offers(options: PluginOptions, found: Snapshot) -> str:
    """In a line: what each node offers of what is expected."""
    said = []
    for node in options.nodes:
        offer = found.offers.get(node.name)
        given = offer.allocatable if offer else {}
        simulated = " (simulated)" if offer and offer.simulated else ""
        said += [f"{node.name} {given.get(r, 0)} of {n} {r}{simulated}" for r, n in options.expected(node).items()]
    return ", ".join(said) or "no node has a GPU"
