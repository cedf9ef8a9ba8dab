"""Where the image of each component stands."""

from __future__ import annotations

import typing as t


def components(
    workers: t.Sequence[str], app: str, app_namespace: str, workers_namespace: str, data: str
) -> list[dict[str, str]]:
    """The workloads of the releases ``app`` and ``data``, as the charts name them."""
    placed = [(name, workers_namespace, name, name, app) for name in workers]
    placed.append(("backend", app_namespace, "harvis-backend", "backend", app))
    placed += [(name, workers_namespace, name, name, data) for name in ("kafka", "qdrant")]
    keys = ("name", "namespace", "workload", "container", "release")
    return [dict(zip(keys, place, strict=True)) for place in placed]


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"components": components}
