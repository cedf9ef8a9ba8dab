"""Flux's HelmRelease: helm-controller makes a Helm release of it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.gitops import flux
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Claim, Release, State
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import dig
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef


class FluxRelease:
    title = "Flux's HelmRelease"
    group = "helm.toolkit.fluxcd.io"
    kind = "HelmRelease"
    writer = r"^helm-controller$"
    switch = ("spec", "suspend")
    off = True
    values = ("spec", "values")

    def claims(self, body: Object) -> list[Claim]:
        return flux.claims(body, self.group, self.writer)

    def release(self, own: Object) -> tuple[Release, str] | None:
        # With a kubeConfig it works on another cluster.
        if dig(own, "spec", "kubeConfig"):
            return None
        metadata, target = own["metadata"], dig(own, "spec", "targetNamespace")
        name = f"{target}-{metadata['name']}" if target else metadata["name"]
        made = Release(dig(own, "spec", "releaseName") or name, target or metadata["namespace"])
        return made, dig(own, "spec", "storageNamespace") or metadata["namespace"]

    def inventory(self, _own: Object) -> list[ObjectRef]:
        # Helm's own records are exact in every version of Flux.
        return []

    def confirms(self, _own: Object, _ref: ObjectRef) -> bool:
        return True

    def state(self, own: Object) -> State:
        interval = str(dig(own, "spec", "interval") or "")
        mode = str(dig(own, "spec", "driftDetection", "mode") or "disabled")
        status, message = flux.ready(own)
        upgraded = f"within {interval}: a revision that it did not make counts as unmanaged, and is upgraded back"
        objects = {
            "enabled": f"within {interval}, by drift detection",
            "warn": "at its next upgrade only: drift is reported and left",
        }
        return State(
            suspended=flux.suspended(own),
            reverts_release=upgraded,
            reverts_object=objects.get(mode, "at its next upgrade only: drift detection is off"),
            interval=interval,
            last_handled=flux.last_handled(own),
            ready=status,
            message=message,
            source=self._source(own),
            watches=f"driftDetection: {mode}",
            is_good=status == "True",
            compares=mode in ("enabled", "warn"),
        )

    def _source(self, own: Object) -> str:
        reference = dig(own, "spec", "chartRef") or dig(own, "spec", "chart", "spec", "sourceRef")
        latest = (dig(own, "status", "history") or [{}])[0].get("chartVersion")
        revision = str(dig(own, "status", "lastAttemptedRevision") or latest or "")
        return flux.source(own, reference, revision)
