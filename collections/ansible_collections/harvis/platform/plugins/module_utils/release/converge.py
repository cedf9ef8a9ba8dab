"""Bringing a release to its description: read, plan, apply, and prove it by a second read."""

from __future__ import annotations

import functools
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import crds, managed, owners, pending
from ansible_collections.harvis.platform.plugins.module_utils.release.apply import change, hiding_secrets
from ansible_collections.harvis.platform.plugins.module_utils.release.chart_tests import run_tests
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.handed_over import handed_over
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import hold
from ansible_collections.harvis.platform.plugins.module_utils.release.managed import Managers, find_managers
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import parse_manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.plan import Wanted
from ansible_collections.harvis.platform.plugins.module_utils.release.queue import queued, refuse_if_moved
from ansible_collections.harvis.platform.plugins.module_utils.release.records import forget, records_ref, write_record
from ansible_collections.harvis.platform.plugins.module_utils.release.rendering import begin_rendering, rendered
from ansible_collections.harvis.platform.plugins.module_utils.release.reused import lost_values, reused_values
from ansible_collections.harvis.platform.plugins.module_utils.release.situation import (
    Situation,
    described_release,
    read_situation,
    recorded_objects,
    to_result,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.source import source_revision
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.standing import require_ready
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.plugins.module_utils.rollout.namespaces import ending

Connect = t.Callable[[], Cluster]
Definitions = list[crds.Definition]


def ensure_present(spec: ReleaseSpec, helm: Helm, connect: Connect, *, check_mode: bool) -> dict[str, t.Any]:
    """Install, upgrade, or do nothing; the module's result.

    Raises HarvisError: values or templates that cannot be used, another run at work, pods that do not get ready.
    """
    once = functools.cache(connect)
    with hiding_secrets(spec):
        return queued(spec, once, lambda: _ensure_present(spec, helm, once, check_mode=check_mode))


def ensure_absent(spec: ReleaseSpec, helm: Helm, connect: Connect, *, check_mode: bool) -> dict[str, t.Any]:
    """Uninstall the release if it is there; claims and namespaces stay."""
    once = functools.cache(connect)
    return queued(spec, once, lambda: _ensure_absent(spec, helm, once(), check_mode=check_mode))


def _ensure_present(spec: ReleaseSpec, helm: Helm, connect: Connect, *, check_mode: bool) -> dict[str, t.Any]:
    with ThreadPoolExecutor(1) as pool:
        # Helm renders in its own process while this one imports the kubernetes library.
        rendering = pool.submit(begin_rendering, helm, spec)
        cluster = connect()
        namespaces = {name: cluster.get(ObjectRef("v1", "Namespace", name)) for name in spec.wanted_namespaces}
        # What is compared with the server would be refused there object by object.
        _refuse([found for body in namespaces.values() if body and (found := ending(body))])
        situation, managers, definitions = _read(spec, helm, cluster, rendering)
    plan = situation.plan
    missing = [name for name, body in namespaces.items() if body is None]
    newer = definitions if spec.crds == "apply" else []
    of_release = [item.reason for item in newer] + list(plan.reasons)
    left = managed.left_suspended(spec, managers)
    reasons = [f"namespace {name} is missing" for name in missing] + of_release
    reasons += [f"{manager} was left suspended for this release" for manager in left]
    history = situation.history
    if spec.gitops == managed.WRITE and (managers.active or managers.receivers):
        return handed_over(spec, cluster, managers, situation, check_mode=check_mode)
    if reasons and not check_mode:
        # What was read may be another run's half-done work: nothing is changed beside it.
        pending.refuse_if_held(cluster, history, spec)
        _make_namespaces(cluster, missing)
        if of_release:
            _apply(spec, helm, cluster, situation, managers, newer)
            history = read_history(cluster, spec.name, spec.namespace)
        elif left:
            managed.resume(spec, cluster, left)
    if spec.ready and not reasons:
        require_ready(spec, cluster, [item.found for item in situation.live.values() if item.found])
    result = to_result(spec, history.last, reasons, situation)
    findings = [*_findings(spec, situation, definitions), *managed.said(spec, managers, changed=bool(reasons))]
    return {
        **result,
        "findings": [finding.to_dict() for finding in findings],
        "lost_values": _lost_values(spec, situation),
        "managers": managers.to_result(spec),
    }


def _ensure_absent(spec: ReleaseSpec, helm: Helm, cluster: Cluster, *, check_mode: bool) -> dict[str, t.Any]:
    history = read_history(cluster, spec.name, spec.namespace)
    managers = find_managers(spec, cluster, recorded_objects(cluster, history))
    reasons = [f"the release is {history.last.status}"] if history.is_installed and history.last else []
    if not reasons and cluster.get(records_ref(spec.name, spec.namespace)):
        reasons = ["what was known of its revisions is still there"]
    before = described_release(spec, history.last) if history.is_installed else None
    if before:
        managers.refuse(cluster, spec.gitops)
    if reasons and not check_mode:
        pending.refuse_if_held(cluster, history, spec)
        with hold(cluster, spec.name, spec.namespace), managed.held_off(spec, cluster, managers):
            refuse_if_moved(cluster, history, spec)
            if before:
                helm.uninstall(spec)
            forget(cluster, spec.name, spec.namespace)
    diff = {"before": f"{before}\n" if before else "", "after": ""}
    findings = [found.to_dict() for found in managed.said(spec, managers, changed=bool(before))]
    result = {"changed": bool(reasons), "reasons": reasons, "release": None, "diff": diff}
    return {**result, "findings": findings, "managers": managers.to_result(spec)}


def _read(
    spec: ReleaseSpec, helm: Helm, cluster: Cluster, rendering: Future[tuple[str, bool]]
) -> tuple[Situation, Managers, Definitions]:
    history = read_history(cluster, spec.name, spec.namespace)
    text, exact = rendered(helm, spec, history, rendering)
    other_chart = owners.foreign_release(spec, history)
    _refuse(other_chart if not spec.take_ownership else [])
    definitions = crds.chart_definitions(helm, spec) if spec.crds != "skip" else {}
    namespaced = crds.is_namespaced(cluster, [body for body, _ in definitions.values()])
    wanted = Wanted(spec.values, parse_manifest(text, spec.namespace, namespaced))
    situation = read_situation(spec, cluster, history, wanted)
    # Before whose the objects are: a manager's own are nobody's in Helm's eyes.
    managers = find_managers(spec, cluster, [item.found for item in situation.live.values() if item.found])
    if spec.gitops != managed.WRITE and situation.plan.reasons:
        managers.refuse(cluster, spec.gitops)
    _refuse(owners.foreign_objects(spec, situation) if not spec.take_ownership else [])
    reasons = (*(finding.cause for finding in other_chart), *situation.plan.reasons)
    situation = replace(situation, plan=replace(situation.plan, reasons=reasons), exact=exact)
    compared = crds.compare_definitions(cluster, definitions)
    _refuse(crds.refused(compared) if spec.crds == "apply" else [])
    return situation, managers, compared


def _apply(
    spec: ReleaseSpec, helm: Helm, cluster: Cluster, situation: Situation, managers: Managers, newer: Definitions
) -> None:
    # Held off before the last look, so that what a manager does until then is seen.
    with hold(cluster, spec.name, spec.namespace) as grip, managed.held_off(spec, cluster, managers):
        refuse_if_moved(cluster, situation.history, spec)
        pending.recover(helm, situation.history, spec)
        crds.apply_definitions(cluster, newer, spec.timeout)
        if situation.plan.changed:
            if spec.take_ownership:
                owners.take_over(cluster, spec, situation)
            change(spec, cluster, situation, grip, lambda stop: helm.upgrade(spec, stop))
            _remember(spec, helm, cluster)
            if spec.test:
                grip.keep()
                run_tests(spec, helm, cluster, situation.wanted.manifest)


def _remember(spec: ReleaseSpec, helm: Helm, cluster: Cluster) -> None:
    history = read_history(cluster, spec.name, spec.namespace)
    source = spec.source or source_revision(helm.runner, spec.chart)
    if source and history.last:
        write_record(cluster, history, history.last, source=source)


def _make_namespaces(cluster: Cluster, names: list[str]) -> None:
    for name in names:
        try:
            cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        except ApiRefusal as exc:
            # Another run may have been faster.
            if exc.reason != "AlreadyExists":
                raise


def _findings(spec: ReleaseSpec, situation: Situation, definitions: Definitions) -> list[Finding]:
    """What does not stop the release and should be known."""
    base = situation.history.last_good if situation.history.is_installed else None
    findings = crds.left_alone(definitions, is_installed=base is not None) if spec.crds == "create" else []
    return findings + (reused_values(base, spec) if base else [])


def _lost_values(spec: ReleaseSpec, situation: Situation) -> list[str]:
    base = situation.history.last_good if situation.history.is_installed else None
    return lost_values(base, spec.values) if base else []


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise ReleaseError(*findings)
