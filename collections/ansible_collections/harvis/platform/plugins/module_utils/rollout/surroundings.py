"""What lies around a pod and helps to say why it does not work."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.policies import Policies
from ansible_collections.harvis.platform.plugins.module_utils.rollout.usage import Usage

Key = tuple[str, str]


def no_leaf(_pod: Object, _container: str, resource: str) -> str:
    return f"the container's {resource} limit in the values"


@dataclass(frozen=True)
class Surroundings:
    """Everything may be empty: the cause is then said with less evidence.

    ``logs`` and ``answers`` (of readiness endpoints) go by ``namespace/pod`` and container. ``older`` says of a
    container's image in what it differs from today's sources, and is empty where it does not or nothing is known.
    """

    pods: t.Sequence[Object] = ()
    services: t.Sequence[Object] = ()
    claims: t.Sequence[Object] = ()
    node_events: t.Sequence[Object] = ()
    logs: t.Mapping[Key, str] = field(default_factory=dict)
    answers: t.Mapping[Key, str] = field(default_factory=dict)
    usages: t.Mapping[Key, Usage] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    older: t.Callable[[Object, str], str | None] = lambda _pod, _container: None
    leaf: t.Callable[[Object, str, str], str] = no_leaf

    def log(self, pod: Object, container: str) -> str:
        return self.logs.get((path(pod), container), "")

    def answer(self, pod: Object, container: str) -> str:
        return self.answers.get((path(pod), container), "")

    def usage(self, pod: Object, container: str) -> Usage | None:
        return self.usages.get((path(pod), container))
