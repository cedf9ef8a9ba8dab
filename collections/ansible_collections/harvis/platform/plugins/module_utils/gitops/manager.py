"""``Tool``: the surface that every GitOps tool has here. A further one is a class of its own and a line in tools.py."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef

# A field's way down an object.
Steps = tuple[str, ...]
ABSENT: t.Final = None


@dataclass(frozen=True)
class Release:
    """A Helm release by its own name and namespace."""

    name: str
    namespace: str

    def __str__(self) -> str:
        return f"release {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Claim:
    """What an object says of who manages it.

    ``name`` is empty where only a controller's handwriting is there, ``namespace`` where it is not said. A ``weak``
    claim counts only where the manager says the same.
    """

    object: ObjectRef
    evidence: str
    name: str = ""
    namespace: str = ""
    weak: bool = False


@dataclass(frozen=True)
class State:
    """What a manager's own object says. ``suspended`` is why it leaves everything alone; empty where it does not.

    ``reverts_release`` and ``reverts_object`` say when it takes back a Helm revision that it did not make, and a
    change to an object.
    """

    suspended: str
    reverts_release: str
    reverts_object: str
    interval: str = ""
    last_handled: str = ""
    ready: str = ""
    message: str = ""
    source: str = ""
    watches: str = ""
    # Whether a suspension is how it is meant to be run, and not a pause.
    chosen: bool = False
    # Whether its readiness is a good one, and whether it compares live objects with its source by itself.
    is_good: bool = False
    compares: bool = False


class Tool(t.Protocol):
    """One kind of object by which one tool manages others."""

    title: str
    group: str
    kind: str
    # Of the names under which its controller writes.
    writer: str
    # The field that holds it off, and the value that does; ABSENT takes the field away.
    switch: Steps
    off: t.Any
    # Where it takes a release's values from; empty where values cannot be written to it.
    values: Steps

    def claims(self, body: Object) -> list[Claim]:
        """Whether ``body`` says that it is managed by an object of this kind, and by which."""
        ...

    def release(self, own: Object) -> tuple[Release, str] | None:
        """The Helm release that ``own`` makes in this cluster, and the namespace of Helm's records; None for none."""
        ...

    def inventory(self, own: Object) -> list[ObjectRef]:
        """What it says it manages."""
        ...

    def confirms(self, own: Object, ref: ObjectRef) -> bool:
        """Whether ``own`` knows that object as one of its own; True where it does not say."""
        ...

    def state(self, own: Object) -> State: ...


@dataclass(frozen=True)
class Managed:
    """One manager of a release or of some of its objects.

    ``own`` is None where its object is not in this cluster, or may not be read: ``unread`` then says which.
    """

    tool: Tool
    ref: ObjectRef
    own: Object | None
    objects: tuple[ObjectRef, ...] = ()
    evidence: tuple[str, ...] = ()
    whole: bool = False
    unread: str = ""

    @property
    def state(self) -> State | None:
        return self.tool.state(self.own) if self.own else None

    @property
    def suspended(self) -> str:
        return self.state.suspended if self.state else ""

    def __str__(self) -> str:
        name = f"{self.ref.namespace}/{self.ref.name}" if self.ref.namespace else self.ref.name
        return f"{self.tool.title} {name}" if name else f"a {self.tool.title}"

    def to_dict(self) -> dict[str, str]:
        state = self.state
        return {
            "tool": self.tool.title,
            "api_version": self.ref.api_version,
            "kind": self.ref.kind,
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "suspended": state.suspended if state else "",
            "interval": state.interval if state else "",
            "last_handled": state.last_handled if state else "",
            "ready": state.ready if state else "",
            "message": state.message if state else self.unread,
            "source": state.source if state else "",
            "watches": state.watches if state else "",
            "reverts_release": state.reverts_release if state else "",
            "reverts_object": state.reverts_object if state else "",
        }
