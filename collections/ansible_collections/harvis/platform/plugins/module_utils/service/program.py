"""``Program``: what is to run, independent of who supervises it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    """A long-running program.

    ``name`` has no prefix (``kubelet``); ``stop_seconds`` is how long it may take to end after SIGTERM;
    ``after`` names programs of ours that are started before it; ``retries`` says that it may end and be
    started again for a while, as a kubelet does until kubeadm has written its configuration.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    stop_seconds: int = 20
    after: tuple[str, ...] = ()
    retries: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Program:
        return cls(
            name=params["name"],
            command=tuple(map(str, params["command"])),
            environment={k: str(v) for k, v in (params.get("environment") or {}).items()},
            stop_seconds=params.get("stop_seconds") or 20,
            after=tuple(params.get("after") or ()),
        )

    @property
    def accepted_states(self) -> tuple[str, ...]:
        """States of supervisor in which the program counts as up."""
        return ("RUNNING", "BACKOFF") if self.retries else ("RUNNING",)
