"""One look at the cluster before anything is built: may this be deployed, what of it runs, which images are in use."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.deployment.choice import choose
from ansible_collections.harvis.platform.plugins.module_utils.deployment.claims import (
    Claim,
    foreign_namespace,
    foreign_release,
    foreign_workloads,
    managed_releases,
)
from ansible_collections.harvis.platform.plugins.module_utils.deployment.credentials import check_credentials
from ansible_collections.harvis.platform.plugins.module_utils.deployment.errors import DeploymentError
from ansible_collections.harvis.platform.plugins.module_utils.deployment.rights import (
    may_create_namespace,
    missing_rights,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.records import read_records
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, read_histories

_IMAGE = re.compile(r"""^\s*(?:-\s+)?["']?image["']?:\s*["']?([^\s"']+)""", re.MULTILINE)


@dataclass(frozen=True)
class Component:
    """Where a component's image stands: a container of a workload, and the release that owns it."""

    name: str
    namespace: str
    workload: str
    container: str
    release: str

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Component:
        return cls(*(str(params[key]) for key in ("name", "namespace", "workload", "container", "release")))


def preflight(params: t.Mapping[str, t.Any], connect: t.Callable[[], Cluster]) -> dict[str, t.Any]:
    """The module's result. Raises HarvisError with everything that speaks against the deployment."""
    components = [Component.from_params(entry) for entry in params["components"]]
    choice = choose(params["only"], params["run_tags"], params["workers"])
    validities = check_credentials(Path(params["kubeconfig"]).expanduser(), params["context"] or "")
    cluster = connect()
    claims = [_claim(release, components) for release in params["releases"]]
    namespaces = list(dict.fromkeys([*(c.namespace for c in claims), *(c.namespace for c in components)]))
    findings = [found for name in namespaces for found in _look_at_namespace(cluster, name, claims)]
    if findings:
        raise DeploymentError(*findings)
    workloads = [body for name in namespaces for body in _workloads(cluster, name)]
    # Before whose the workloads are: a manager's own are nobody's in Helm's eyes.
    named = zip(claims, params["releases"], strict=True)
    touched = [claim for claim, release in named if choice.data or not release.get("data")]
    findings = managed_releases(cluster, touched, workloads, params["gitops"])
    if findings:
        raise DeploymentError(*findings)
    # Of every release in these namespaces: an image that another one goes back to is in use as well.
    histories = {key: value for name in namespaces for key, value in read_histories(cluster, name).items()}
    findings = [f for c in claims for f in foreign_release(c, histories.get((c.namespace, c.name), History()))]
    findings = findings or foreign_workloads(workloads, claims)
    if findings:
        raise DeploymentError(*findings)
    running = _running(workloads, components)
    choice = choice.with_missing(running, params["workers"])
    return {
        "changed": False,
        "chosen": choice.to_dict(),
        "left": {
            "workers": {n: running[n] for n in params["workers"] if n in running and n not in choice.workers},
            "backend": "" if choice.backend else running.get("backend", ""),
        },
        "used_images": sorted(_used(cluster, namespaces, workloads, histories.values())),
        "verified": all(_is_verified(cluster, c, histories.get((c.namespace, c.name), History())) for c in claims),
        "kubernetes": cluster.version,
        "credentials": {validity.what: str(validity) for validity in validities},
    }


def _claim(release: t.Mapping[str, t.Any], components: t.Sequence[Component]) -> Claim:
    import yaml

    described = Path(release["chart"]).expanduser() / "Chart.yaml"
    chart = str(yaml.safe_load(described.read_text(encoding="utf-8"))["name"]) if described.is_file() else ""
    owned = tuple((c.namespace, c.workload) for c in components if c.release == release["name"])
    return Claim(release["name"], release["namespace"], chart, owned)


def _look_at_namespace(cluster: Cluster, name: str, claims: t.Sequence[Claim]) -> list[Finding]:
    fix = "Have somebody who may create it, or bind a ClusterRole with these verbs to the user."
    try:
        body = cluster.get(ObjectRef("v1", "Namespace", name))
    except ApiRefusal as exc:
        if exc.status != 403:
            raise
        cause = "the user of the kubeconfig may not: get on namespaces"
        return [Finding("REL-RIGHTS", f"namespace {name}", cause, exc.message, fix)]
    if body is None and not may_create_namespace(cluster):
        cause = "it does not exist, and the user of the kubeconfig may not: create on namespaces"
        return [
            Finding("REL-RIGHTS", f"namespace {name}", cause, "the cluster's own answer (SelfSubjectAccessReview)", fix)
        ]
    foreign = foreign_namespace(body, claims) if body else []
    return foreign or missing_rights(cluster, name)


def _is_verified(cluster: Cluster, claim: Claim, history: History) -> bool:
    """Whether what is deployed is the last revision, and passed verification as it is."""
    deployed = history.deployed
    if deployed is None or deployed is not history.last:
        return False
    return bool(read_records(cluster, claim.name, claim.namespace).of(deployed).verified)


def _workloads(cluster: Cluster, namespace: str) -> list[Object]:
    return [
        body for kind in ("Deployment", "StatefulSet") for body in cluster.find("apps/v1", kind, namespace=namespace)
    ]


def _running(workloads: t.Iterable[Object], components: t.Iterable[Component]) -> dict[str, str]:
    """Image by component, as the workloads that are there name it."""
    images = {
        (body["metadata"]["namespace"], body["metadata"]["name"], container["name"]): str(container["image"])
        for body in workloads
        for container in body["spec"]["template"]["spec"]["containers"]
    }
    places = {c.name: images.get((c.namespace, c.workload, c.container)) for c in components}
    return {name: image for name, image in places.items() if image}


def _used(
    cluster: Cluster, namespaces: t.Iterable[str], workloads: t.Iterable[Object], histories: t.Iterable[History]
) -> set[str]:
    """Images of pods, of workloads, and of every revision that Helm could go back to."""
    pods = (pod for name in namespaces for pod in cluster.find("v1", "Pod", namespace=name))
    specs = [pod["spec"] for pod in pods] + [body["spec"]["template"]["spec"] for body in workloads]
    containers = (c for spec in specs for kind in ("containers", "initContainers") for c in spec.get(kind) or ())
    texts = (f"{revision.manifest}\n{revision.hooks}" for history in histories for revision in history.revisions)
    return {str(c["image"]) for c in containers} | {image for text in texts for image in _IMAGE.findall(text)}
