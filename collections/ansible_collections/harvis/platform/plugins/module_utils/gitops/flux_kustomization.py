"""Flux's Kustomization: kustomize-controller applies a folder of manifests again and again."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.gitops import flux
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Claim, Release, State
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import dig
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef


class FluxKustomization:
    title = "Flux's Kustomization"
    group = "kustomize.toolkit.fluxcd.io"
    kind = "Kustomization"
    writer = r"^kustomize-controller$"
    switch = ("spec", "suspend")
    off = True
    values = ()

    def claims(self, body: Object) -> list[Claim]:
        return flux.claims(body, self.group, self.writer)

    def release(self, _own: Object) -> tuple[Release, str] | None:
        return None

    def inventory(self, own: Object) -> list[ObjectRef]:
        if dig(own, "spec", "kubeConfig"):
            return []
        found = []
        for entry in dig(own, "status", "inventory", "entries") or []:
            # <namespace>_<name>_<group>_<kind>; names of RBAC objects have a colon, written as two underscores.
            namespace, _, rest = str(entry.get("id", "")).partition("_")
            name, group, kind = rest.rsplit("_", 2) if rest.count("_") >= 2 else ("", "", "")
            version = f"{group}/{entry.get('v')}" if group else str(entry.get("v"))
            found += [ObjectRef(version, kind, name.replace("__", ":"), namespace)] if name else []
        return found

    def confirms(self, _own: Object, _ref: ObjectRef) -> bool:
        return True

    def state(self, own: Object) -> State:
        interval = str(dig(own, "spec", "interval") or "")
        status, message = flux.ready(own)
        when = f"within {interval}: it applies its manifests again at every reconciliation"
        revision = str(dig(own, "status", "lastAppliedRevision") or dig(own, "status", "lastAttemptedRevision") or "")
        return State(
            suspended=flux.suspended(own),
            reverts_release=when,
            reverts_object=when,
            interval=interval,
            last_handled=flux.last_handled(own),
            ready=status,
            message=message,
            source=flux.source(own, dig(own, "spec", "sourceRef"), revision),
            is_good=status == "True",
            compares=True,
            watches=f"wait: {'true' if dig(own, 'spec', 'wait') is True else 'false'}",
        )
