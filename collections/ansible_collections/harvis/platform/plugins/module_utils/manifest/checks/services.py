"""Selectors and target ports: what a Service sends to, and whether anybody is there."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import dotted
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.labels import (
    Labels,
    has_all,
    matches,
    plain_labels,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import meant, words
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import TEMPLATES, Container, Pod
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import (
    Directory,
    Service,
    ServicePort,
    container_ports,
    serving,
)

Result = t.Iterator[Finding | NotChecked]

# Labels that controllers put on their pods: no template has them.
_CONTROLLER_LABELS = re.compile(
    r"(?:statefulset|apps|batch)\.kubernetes\.io/.*|pod-template-hash|controller-revision-hash|job-name|controller-uid"
)
# Programs that elect a leader label their own pods with one of these while they run (Vault, Patroni, Redis Sentinel).
_ELECTED = re.compile(r"true|false|master|primary|replica|leader|follower|active|standby", re.IGNORECASE)
_BESIDE = frozenset(
    words("METRICS MONITORING PROM PROMETHEUS HEALTH HEALTHZ PROBE PROBES LIVENESS READINESS ADMIN DEBUG PPROF")
)
# Custom resources of these groups make no pods.
_NO_PODS = re.compile(
    r"cert-manager\.io|external-secrets\.io|bitnami\.com|metallb\.io|(?:networking|security)\.istio\.io|traefik\.io"
    r"|keda\.sh|(?:source|notification)\.toolkit\.fluxcd\.io|.*\.k8s\.io"
)
# Of the Prometheus operator's, these make no pods.
_MONITORS = ("ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "ScrapeConfig")


def lost_selectors(subject: AuditSubject) -> Result:
    """NET-SELECTOR: a Service or disruption budget takes no pod, or a workload not even its own."""
    directory = Directory(subject.objects)
    templates = _templates(subject.objects)
    for service in directory.services:
        if service.is_alias:
            continue
        if service.selector:
            wanted = {k: v for k, v in service.selector.items() if not _CONTROLLER_LABELS.fullmatch(k)}
            yield from _lost(service.object, "/spec/selector", wanted, templates, subject)
        elif not _has_endpoints(service, subject):
            yield NotChecked(
                f"whether {service.object.address} has endpoints: it has no selector, and the objects have none"
            )
    for budget in subject.objects.of_kind("PodDisruptionBudget"):
        selector = budget.get("/spec/selector")
        labels = plain_labels(selector.get("matchLabels")) if isinstance(selector, dict) else {}
        if labels and "matchExpressions" not in selector:
            yield from _lost(budget, "/spec/selector/matchLabels", labels, templates, subject)
    for pod in directory.pods:
        yield from _own(pod)


def shared_services(subject: AuditSubject) -> Result:
    """NET-SHARED: a Service takes pods that do not offer what it promises, or hangs on labels that users edit."""
    directory = Directory(subject.objects)
    for service in directory.services:
        selected = [pod for pod in directory.pods if service.selects(pod) and not _is_hook(pod.owner)]
        offering = [pod for pod in selected if _offers(pod, service)]
        strangers = [pod for pod in selected if pod not in offering]
        if offering and strangers and not service.is_headless:
            names = ", ".join(f"{pod.owner.kind} {pod.owner.name}" for pod in strangers)
            cause = f"the selector also takes pods of {names}, which have no port that the Service sends to"
            evidence = f"{_said(service.selector)}; meant: {offering[0].owner.kind} {offering[0].owner.name}"
            fix = "Give each workload's pods a label of their own, such as app.kubernetes.io/component, and select it."
            yield Finding.at("NET-SHARED", service.object.place("/spec/selector"), cause, evidence=evidence, fix=fix)
        yield from _editable(subject, service, selected)


def target_ports(subject: AuditSubject) -> Result:
    """NET-TARGETPORT: a named port that no container has, or numbers of which the pods declare none."""
    directory = Directory(subject.objects)
    for service in directory.services:
        selected = [pod for pod in directory.pods if service.selects(pod)]
        if not selected or service.is_alias:
            continue
        numbers, names = _declared(selected)
        for port in service.ports():
            if isinstance(port.target, str) and port.target not in names:
                yield _no_port(service, port, selected, f"no container has a port called {port.target}")
        if service.is_headless or not all(_main_ports(c) for pod in selected for c in serving(pod)):
            continue
        # Declared ports are documentation: one number among others may be left out of it, all of them are a mistake.
        targets = [port for port in service.ports() if isinstance(port.target, int)]
        if len(targets) == len(service.ports()) and not any(port.target in numbers for port in targets):
            for port in targets:
                if not _spoken_of(str(port.target), selected):
                    yield _no_port(service, port, selected, f"no container listens on {port.target}")


def _lost(
    owner: KubernetesObject,
    field: str,
    wanted: Labels,
    templates: list[tuple[KubernetesObject, Labels]],
    subject: AuditSubject,
) -> Result:
    every = [*templates, *_templates(subject.objects.beside)]
    if any(o.namespace == owner.namespace and has_all(labels, wanted) for o, labels in every):
        return
    here = [(o, labels) for o, labels in templates if o.namespace == owner.namespace]
    other = next((o for o, labels in templates if has_all(labels, wanted)), None)
    near = max(here, key=lambda entry: _likeness(owner, wanted, *entry), default=None)
    is_meant = near is not None and any(_likeness(owner, wanted, *near))
    if other is None and (near is None or not is_meant or _may_be_elsewhere(wanted, near[1], owner, subject)):
        yield NotChecked(
            f"whether {owner.address} selects a pod ({_said(wanted)}): something outside the objects may make it"
        )
        return
    evidence, fix = "", ""
    if other is not None:
        evidence = f"{other.kind} {other.name} has these labels and lies in namespace {other.namespace}"
        fix = "Put both in one namespace."
    elif near is not None:
        evidence, fix = _difference(wanted, *near)
    cause = f"no pod in namespace {owner.namespace} has the labels {_said(wanted)}"
    yield Finding.at("NET-SELECTOR", owner.place(field), cause, evidence=evidence, fix=fix)


def _difference(wanted: Labels, owner: KubernetesObject, labels: Labels) -> tuple[str, str]:
    differing = {key: labels.get(key) for key, value in wanted.items() if labels.get(key) != value}
    said = ", ".join(f"{key}: {value}" if value is not None else f"no {key}" for key, value in differing.items())
    evidence = f"the nearest pods, of {owner.kind} {owner.name}, have {said}"
    return evidence, f"Make the selector and the pod labels of {owner.kind} {owner.name} the same."


def _may_be_elsewhere(wanted: Labels, nearest: Labels, owner: KubernetesObject, subject: AuditSubject) -> bool:
    """Whether pods that are not in the objects may be meant: an operator's, or with labels set while they run."""
    missing = {key: value for key, value in wanted.items() if key not in nearest}
    elected = {key for key, value in missing.items() if _ELECTED.fullmatch(value)}
    if elected and all(nearest.get(key) == value for key, value in wanted.items() if key not in elected):
        return True
    makers = (
        o for o in (*subject.objects, *subject.objects.beside) if o.namespace == owner.namespace and _may_make_pods(o)
    )
    return any(True for _ in makers)


def _may_make_pods(item: KubernetesObject) -> bool:
    group = item.api_version.partition("/")[0]
    return "." in group and not _NO_PODS.fullmatch(group) and item.kind not in _MONITORS


def _templates(objects: t.Iterable[KubernetesObject]) -> list[tuple[KubernetesObject, Labels]]:
    """Owner and labels of everything that looks like a pod template, also in kinds that are not Kubernetes' own."""
    found = []
    for item in objects:
        ways = [TEMPLATES[item.kind]] if item.kind in TEMPLATES else [("spec", "template")]
        labels = item.get(pointer(*ways[0], "metadata", "labels"))
        if isinstance(labels, dict):
            found.append((item, plain_labels(labels)))
    return found


def _likeness(owner: KubernetesObject, wanted: Labels, template: KubernetesObject, labels: Labels) -> tuple[int, int]:
    """How much speaks for these pods being the ones that are meant: equal labels, then names that are alike.

    Nothing does where a Service selects pods of another release, as one beside the cluster's own DNS does.
    """
    equal = sum(labels.get(key) == value for key, value in wanted.items())
    pairs = [(owner.name, template.name), *((value, labels[key]) for key, value in wanted.items() if key in labels)]
    return equal, sum(one in other or other in one or bool(meant(one, [other])) for one, other in pairs)


def _own(pod: Pod) -> Result:
    if pod.owner.kind not in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
        return
    selector = pod.owner.get("/spec/selector")
    if isinstance(selector, dict) and selector and not matches(selector, pod.labels):
        cause = f"the selector of {pod.owner.kind} {pod.owner.name} does not take its own pods"
        evidence = f"selector {_said(plain_labels(selector.get('matchLabels')))}; pods {_said(pod.labels)}"
        fix = "Make spec.selector and the labels of the pod template the same; the API server refuses the object."
        yield Finding.at("NET-SELECTOR", pod.owner.place("/spec/selector"), cause, evidence=evidence, fix=fix)


def _has_endpoints(service: Service, subject: AuditSubject) -> bool:
    slices = subject.objects.of_kind("EndpointSlice")
    labels = (plain_labels(o.get("/metadata/labels")).get("kubernetes.io/service-name") for o in slices)
    return service.name in labels or subject.objects.find("Endpoints", service.namespace, service.name) is not None


def _is_hook(owner: KubernetesObject) -> bool:
    annotations = owner.get("/metadata/annotations")
    return isinstance(annotations, dict) and "helm.sh/hook" in annotations


def _offers(pod: Pod, service: Service) -> bool:
    numbers, names = _declared([pod])
    return any(port.target in (names if isinstance(port.target, str) else numbers) for port in service.ports())


def _declared(selected: t.Sequence[Pod]) -> tuple[set[int], set[str]]:
    ports = [port for pod in selected for c in serving(pod) for port in container_ports(c)]
    return {number for number, _ in ports}, {name for _, name in ports if name}


def _editable(subject: AuditSubject, service: Service, selected: t.Sequence[Pod]) -> Result:
    """A value called ``labels`` that changes the selector and not the pods: editing it empties the endpoints."""
    for path, effects in (subject.effects.effects if subject.effects else {}).items():
        if not any(isinstance(part, str) and part.lower().endswith("labels") for part in path):
            continue
        changed = {e.field for e in effects if e.object == service.object.address}
        pods_too = {e.object for e in effects if "/metadata/labels" in e.field}
        keys = [f for f in changed if f.startswith("/spec/selector")]
        if keys and not any(pod.owner.address in pods_too for pod in selected):
            leaf = dotted(path)
            cause = f"{leaf} changes the Service's selector and not the labels of its pods"
            fix = (
                "Select by labels that no value changes, such as app.kubernetes.io/name and app.kubernetes.io/instance."
            )
            place = service.object.place(keys[0], leaf)
            yield Finding.at("NET-SHARED", place, cause, evidence=f"effects: {', '.join(keys)}", fix=fix)


def _spoken_of(number: str, selected: t.Sequence[Pod]) -> bool:
    """Whether a container's arguments, environment or probes speak of the port."""
    return any(
        number in str(c.body.get(key)) for pod in selected for c in serving(pod) for key in c.body if key != "ports"
    )


def _main_ports(container: Container) -> list[int]:
    """Declared ports but for those beside the program's own work: who declares no other may well listen on others."""
    return [number for number, name in container_ports(container) if not _BESIDE.intersection(words(name))]


def _no_port(service: Service, port: ServicePort, selected: t.Sequence[Pod], cause: str) -> Finding:
    listed = [
        f"{name or 'unnamed'} {number}" for pod in selected for c in serving(pod) for number, name in container_ports(c)
    ]
    owners = ", ".join(sorted({f"{pod.owner.kind} {pod.owner.name}" for pod in selected}))
    evidence = f"{owners} declares {', '.join(sorted(set(listed))) or 'no port'}"
    field = pointer("spec", "ports", port.index)
    written = service.object.get(field + "/targetPort") is not None
    place = service.object.place(field + ("/targetPort" if written else "/port"))
    fix = "Set targetPort to the container's port, best by its name."
    return Finding.at("NET-TARGETPORT", place, cause, evidence=evidence, fix=fix)


def _said(labels: Labels) -> str:
    return ", ".join(f"{key}: {value}" for key, value in sorted(labels.items()))
