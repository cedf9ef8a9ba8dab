"""What programs complain of although their pods are Ready: readiness may ask less than work needs."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import containers, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings
from ansible_collections.harvis.platform.plugins.module_utils.rollout.words import repeated


def complaints(pod: Object, around: Surroundings) -> list[Finding]:
    """One for each container of a Ready pod that says the same trouble again and again."""
    found = []
    for state in containers(pod):
        told = repeated(around.log(pod, state["name"]))
        # A module that is not there is only tried by a pod that works without it.
        if told and told.code != "ROL-IMPORT":
            found.append(told.of(f"{path(pod)} {state['name']}"))
    return found
