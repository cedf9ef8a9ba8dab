"""Argo CD's Application: the application controller compares objects with a repository, and may sync by itself."""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import ABSENT, Claim, Release, State
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import (
    annotations,
    bare,
    dig,
    labels,
    newest,
    writers,
)
from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef

_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = "argocd.argoproj.io/instance"
# Helm's charts give the same label to their own objects.
_COMMON_INSTANCE = "app.kubernetes.io/instance"
_SKIP = "argocd.argoproj.io/skip-reconcile"
_MANUAL = "no automated sync"
_HERE = "https://kubernetes.default.svc"
# [<namespace of the Application>_]<its name>:<group>/<kind>:<namespace>/<name>
_TRACKED = re.compile(
    r"^(?:(?P<place>[^_:]+)_)?(?P<app>[^:]+):(?P<group>[^/:]*)/(?P<kind>[^:]+):(?P<namespace>[^/]*)/(?P<name>.+)$"
)


class ArgoApplication:
    title = "Argo CD's Application"
    group = "argoproj.io"
    kind = "Application"
    writer = r"^argocd-(application-)?controller$"
    switch = ("spec", "syncPolicy", "automated")
    off = ABSENT
    values = ()

    def claims(self, body: Object) -> list[Claim]:
        ref, marks = ObjectRef.of(body), labels(body)
        tracked = _TRACKED.match(annotations(body).get(_TRACKING, ""))
        # A copy carries the annotation of its original, which names the original.
        if tracked and (tracked["kind"], tracked["name"]) == (ref.kind, ref.name):
            evidence = f"annotation {_TRACKING}: {tracked.string}"
            return [Claim(ref, evidence, tracked["app"], tracked["place"] or "")]
        for label, weak in ((_INSTANCE, False), (_COMMON_INSTANCE, True)):
            if marks.get(label):
                return [Claim(ref, f"label {label}: {marks[label]}", marks[label], weak=weak)]
        return [Claim(ref, f"managedFields: {text}") for text in writers(body, self.writer)[:1]]

    def release(self, _own: Object) -> tuple[Release, str] | None:
        # It renders charts and applies what comes out: there is no Helm release.
        return None

    def inventory(self, own: Object) -> list[ObjectRef]:
        if dig(own, "spec", "destination", "server") not in (None, "", _HERE):
            return []
        listed = dig(own, "status", "resources") or []
        return [
            ObjectRef(
                "/".join(filter(None, (r.get("group"), r.get("version")))),
                str(r.get("kind")),
                str(r.get("name")),
                str(r.get("namespace") or ""),
            )
            for r in listed
        ]

    def confirms(self, own: Object, ref: ObjectRef) -> bool:
        listed = dig(own, "status", "resources")
        if not listed:
            return True
        group = ref.api_version.rpartition("/")[0]
        wanted = (group, ref.kind, ref.namespace, ref.name)
        return any(tuple(str(r.get(k) or "") for k in ("group", "kind", "namespace", "name")) == wanted for r in listed)

    def state(self, own: Object) -> State:
        automated = dig(own, "spec", "syncPolicy", "automated")
        heals = bool(dig(automated, "selfHeal"))
        suspended = self._suspended(own)
        when = "at once: selfHeal is on" if heals else "at its next sync, which a change of its source starts"
        if suspended and annotations(own).get(_SKIP) != "true":
            when = "when somebody syncs it"
        return State(
            suspended=suspended,
            reverts_release=when,
            reverts_object=when,
            last_handled=newest(dig(own, "status", "reconciledAt"), dig(own, "status", "operationState", "finishedAt")),
            ready=str(dig(own, "status", "health", "status") or ""),
            message=str(dig(own, "status", "sync", "status") or ""),
            source=self._source(own),
            watches=f"selfHeal: {'true' if heals else 'false'}",
            chosen=suspended == _MANUAL,
            is_good=dig(own, "status", "health", "status") == "Healthy",
            compares=True,
        )

    def _suspended(self, own: Object) -> str:
        automated = dig(own, "spec", "syncPolicy", "automated")
        if annotations(own).get(_SKIP) == "true":
            return f"annotation {_SKIP}: true"
        if automated is None:
            return _MANUAL
        return "automated.enabled: false" if dig(automated, "enabled") is False else ""

    def _source(self, own: Object) -> str:
        first = dig(own, "spec", "source") or (dig(own, "spec", "sources") or [{}])[0]
        revision = dig(own, "status", "sync", "revision") or first.get("targetRevision") or ""
        return bare(f"{first.get('repoURL', '')} at {revision}") if first.get("repoURL") else ""
