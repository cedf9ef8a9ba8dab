"""What a run was asked for, by its tags."""

from __future__ import annotations

import typing as t

# What Ansible says where no tag was asked for, and where any was meant.
_EVERYTHING = {"all", "tagged"}


def chosen(run_tags: t.Sequence[str], *tags: str) -> bool:
    """Whether a part with ``tags`` was asked for; one that was not is at most looked at, for what others need of it."""
    return not _EVERYTHING.union(tags).isdisjoint(run_tags)


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"chosen": chosen}
