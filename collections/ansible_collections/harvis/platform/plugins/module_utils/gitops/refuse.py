"""What stops a change to what somebody else manages, and what is said where it is made nevertheless."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed, Release, State

_SHOWN = 3


def refusals(release: Release, managers: t.Iterable[Managed]) -> list[Finding]:
    """One finding for each manager that is at work: who it is, and when it takes the change back."""
    return [managed(release, manager) for manager in managers if not manager.suspended]


def managed(release: Release, manager: Managed, *, cause: str = "", fix: str = "") -> Finding:
    """GOP-MANAGED about one manager; ``cause`` and ``fix`` where the general ones do not say it."""
    return Finding("GOP-MANAGED", str(release), cause or _cause(manager), _evidence(manager), fix or _fix(manager))


def when(manager: Managed) -> str:
    """When it takes back what a run makes of the release."""
    state = manager.state
    if state is None:
        return f"at a time that is not known ({manager.unread})"
    return state.reverts_release if manager.whole else state.reverts_object


def _cause(manager: Managed) -> str:
    what = "it" if manager.whole else f"{len(manager.objects)} of its objects"
    return f"{manager} manages {what}, and takes a change back {when(manager)}"


def _evidence(manager: Managed) -> str:
    said = [*manager.evidence[:_SHOWN], *(f"on {ref}" for ref in manager.objects[:_SHOWN])]
    state = manager.state
    return "; ".join([*said, *(_known(state) if state else [manager.unread])])


def _known(state: State) -> list[str]:
    parts = (
        ("source", state.source),
        ("interval", state.interval),
        ("", state.watches),
        ("last seen at work", state.last_handled),
    )
    return [f"{name} {text}".strip() for name, text in parts if text]


def _fix(manager: Managed) -> str:
    if manager.own is None:
        return (
            "Change it where its manager takes it from, or suspend that by its own means; where nobody manages it any"
            " more, take the labels and annotations off."
        )
    source = manager.state.source if manager.state else ""
    write = ", or gitops: write to put the values into it" if manager.tool.values else ""
    return f"Change it in its source ({source or 'not named'}); or say gitops: suspend to hold it off meanwhile{write}."
