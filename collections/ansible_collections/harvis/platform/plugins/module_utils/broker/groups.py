"""Whether consumers keep up: who is in a group, how many messages wait for it, and whether it moves."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence, Proof, said
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

Partition = tuple[str, int]


@dataclass(frozen=True)
class Group:
    """A consumer group as described: it reads ``topics`` with ``members`` consumers (0: any number but none)."""

    name: str
    topics: tuple[str, ...]
    members: int = 0


@dataclass(frozen=True)
class GroupState:
    """A look at a group. ``committed`` and ``waiting`` go by partition; nothing committed counts from the start."""

    members: int
    committed: t.Mapping[Partition, int] = field(default_factory=dict)
    waiting: t.Mapping[Partition, int] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        return sum(self.waiting.values())


class Looks(t.Protocol):
    """What this needs of a broker; tests hand in one that lives in memory."""

    def groups(self, wanted: t.Sequence[Group]) -> dict[str, GroupState]: ...


def prove_groups(
    broker: Looks, wanted: t.Sequence[Group], seconds: float, sleep: t.Callable[[float], None] = time.sleep
) -> list[Proof]:
    """A row for each group. Only where messages wait is there a second look, ``seconds`` later."""
    began = time.monotonic()
    before = broker.groups(wanted)
    after = before
    if any(_may_lag(before[group.name]) for group in wanted):
        sleep(seconds)
        after = broker.groups(wanted)
    return [_prove(group, before[group.name], after[group.name], seconds, began) for group in wanted]


def _may_lag(state: GroupState) -> bool:
    """A message that each member has in hand is not committed yet, and no lag."""
    return state.lag > state.members


def _prove(group: Group, before: GroupState, after: GroupState, seconds: float, began: float) -> Proof:
    finding = judge(group, before, after, seconds)
    seen = f"{_members(after.members)}, {after.lag} messages wait"
    findings = (finding,) if finding else ()
    row = Evidence("consumers", group.name, not finding, said(findings) or seen, time.monotonic() - began)
    return Proof(row, findings)


def judge(group: Group, before: GroupState, after: GroupState, seconds: float) -> Finding | None:
    """Why a group does not keep up; ``None`` where it does."""
    cause, fix = _cause(group, before, after, seconds)
    if not cause:
        return None
    return Finding("KFK-LAG", f"consumer group {group.name}", cause, _evidence(before, after), fix)


def _cause(group: Group, before: GroupState, after: GroupState, seconds: float) -> tuple[str, str]:
    if not after.members:
        return (
            f"it has no member, and {after.lag} messages wait for one",
            "Look at the worker's log: it runs outside the group, or not at all; starting it anew lets it join.",
        )
    if after.members < group.members:
        return (
            f"it has {after.members} of {group.members} members",
            "Look at the logs of the workers whose pods run and that are not in the group.",
        )
    if not (_may_lag(before) and _may_lag(after)):
        return "", ""
    if after.committed == before.committed:
        return (
            f"it does not move: {after.lag} messages wait, and nothing was committed in {seconds:.0f} s",
            "Look at the worker's log: it works on one message, fails at it, or waits for what it needs.",
        )
    if after.lag > before.lag:
        return (
            f"it falls behind: {before.lag} messages waited, and {after.lag} do {seconds:.0f} s later",
            "Raise the worker's replicas (up to the topic's partitions), or find out what makes it slow.",
        )
    return "", ""


def _members(count: int) -> str:
    return "1 member" if count == 1 else f"{count} members"


def _evidence(before: GroupState, after: GroupState) -> str:
    waiting = ", ".join(
        f"{topic}/{number}: {count}" for (topic, number), count in sorted(after.waiting.items()) if count
    )
    moved = sum(after.committed.get(place, 0) - offset for place, offset in before.committed.items())
    return f"{_members(after.members)}; {moved} committed meanwhile; waiting: {waiting or 'nothing'}"
