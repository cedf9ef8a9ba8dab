"""How far a rollout is, in lines that a log file takes and the progress callback shows."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import counts, is_ready
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot

Telling = t.Callable[[Snapshot, t.Sequence[Proof]], None]


def silent(_snapshot: Snapshot, _proofs: t.Sequence[Proof]) -> None:
    """For those who want to know the end only."""


def line(snapshot: Snapshot, proofs: t.Sequence[Proof]) -> str:
    """``7 of 8 pods ready; vhm/indexer-…: is not ready yet: …``."""
    pods = [pod for pod in snapshot.pods if counts(pod)]
    failed = [proof for proof in proofs if not proof.row.passed]
    told = f"{sum(map(is_ready, pods))} of {len(pods)} pods ready"
    return told + "".join(f"; {proof.row.subject}: {proof.row.evidence}" for proof in failed[:1])


@dataclass
class Log:
    """Writes a line where something is new; what an earlier run wrote goes."""

    place: Path
    _last: str = field(default="")

    def __call__(self, snapshot: Snapshot, proofs: t.Sequence[Proof]) -> None:
        new = " ".join(line(snapshot, proofs).split())
        if new == self._last:
            return
        self.place.parent.mkdir(parents=True, exist_ok=True)
        with self.place.open("a" if self._last else "w", encoding="utf-8") as log:
            log.write(f"{new}\n")
        self._last = new
