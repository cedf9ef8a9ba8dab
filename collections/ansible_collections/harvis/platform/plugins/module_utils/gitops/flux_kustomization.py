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

    def releases(self, _own: Object, _release: Release) -> bool:
        return False

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
            watches=f"wait: {'true' if dig(own, 'spec', 'wait') is True else 'false'}",
        )
