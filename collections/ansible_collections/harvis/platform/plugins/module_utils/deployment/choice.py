"""Which components a run is to touch, from ``only`` and from tags."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.harvis.platform.plugins.module_utils.deployment.errors import DeploymentError
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

# What is no worker. ``app`` is the release of the application with no image built for it.
OTHERS = ("backend", "data", "topics", "app", "verify")
_EVERYTHING = {"all", "tagged", "always"}


@dataclass(frozen=True)
class Choice:
    """``workers`` and ``backend`` are built and brought; ``data``, ``topics`` and ``app`` are compared and mended."""

    workers: tuple[str, ...]
    backend: bool
    data: bool
    topics: bool
    app: bool

    def to_dict(self) -> dict[str, t.Any]:
        return {**asdict(self), "workers": list(self.workers)}

    def with_missing(self, running: t.Mapping[str, str], workers: t.Sequence[str]) -> Choice:
        """Together with what has no image that runs: the application's release cannot do without any of them."""
        if not self.app:
            return self
        chosen = tuple(name for name in workers if name in self.workers or name not in running)
        backend = self.backend or "backend" not in running
        return Choice(chosen, backend, self.data, self.topics, self.app)


def choose(only: t.Sequence[str], run_tags: t.Sequence[str], workers: t.Sequence[str]) -> Choice:
    """``only`` decides where it is given, else the tags of the run; neither means everything.

    Raises DeploymentError (PLB-INPUT) for a name that is no component.
    """
    asked = [name.strip() for name in only if name.strip()]
    asked = asked or [tag for tag in run_tags if tag not in _EVERYTHING]
    known = [*workers, *OTHERS, "workers"]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise DeploymentError(*(_unknown(name, "only" if only else "--tags", known) for name in unknown))
    if not asked:
        return Choice(tuple(workers), True, True, True, True)
    chosen = tuple(workers) if "workers" in asked else tuple(name for name in workers if name in asked)
    backend = "backend" in asked
    return Choice(chosen, backend, "data" in asked, "topics" in asked, bool(chosen) or backend or "app" in asked)


def _unknown(name: str, where: str, known: t.Sequence[str]) -> Finding:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    cause = f"{name!r} is no component of this platform"
    return Finding("PLB-INPUT", where, cause, fix=f"{meant}There are: {', '.join(known)}.")
