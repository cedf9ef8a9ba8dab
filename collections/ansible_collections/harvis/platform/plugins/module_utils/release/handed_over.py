"""A release whose values are written to its manager (Flux's HelmRelease), which then brings them to the cluster.

Written is what differs, with a server-side apply under a name of our own: what was written once and is no longer given
is taken away again, and everything else in the object stays its owner's.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.gitops.chain import taken_back
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed, Release
from ansible_collections.harvis.platform.plugins.module_utils.gitops.marks import dig
from ansible_collections.harvis.platform.plugins.module_utils.gitops.observe import observe
from ansible_collections.harvis.platform.plugins.module_utils.gitops.refuse import managed
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.compare import differences
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError, release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import hide
from ansible_collections.harvis.platform.plugins.module_utils.release.managed import Managers, said
from ansible_collections.harvis.platform.plugins.module_utils.release.redact import redact_pair
from ansible_collections.harvis.platform.plugins.module_utils.release.situation import Situation, described_release
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import read_history
from ansible_collections.harvis.platform.plugins.module_utils.release.values import Values, leaves, merge, without_nulls

WRITER = "harvis-values"
Steps = tuple[str, ...]


def handed_over(
    spec: ReleaseSpec, cluster: Cluster, managers: Managers, situation: Situation, *, check_mode: bool
) -> dict[str, t.Any]:
    """Write the values and wait until the controller has brought them in; the module's result.

    Raises HarvisError: GOP-MANAGED where another manager would take them back, GOP-SECRET, GOP-UNHANDLED.
    """
    manager = _receiver(managers)
    _refuse_secrets(spec, manager)
    own = manager.own or {}
    body = _body(manager, own, without_nulls(spec.values))
    after = cluster.apply(body, manager=WRITER, dry_run=True)
    before_values, after_values = (dig(side, *manager.tool.values) or {} for side in (own, after))
    shown = redact_pair({"values": before_values}, {"values": after_values})
    reasons = [hide(f"{manager}: {found}", spec) for found in differences(*shown)]
    written = [(*manager.tool.values, *steps) for steps, _ in leaves(dig(body, *manager.tool.values) or {})]
    refused = taken_back(cluster, managers.release, manager, written, "what is written there") if reasons else []
    if refused:
        raise ReleaseError(*refused)
    if reasons and not check_mode:
        applied = cluster.apply(body, manager=WRITER)
    if reasons and not check_mode and not manager.suspended:
        observe(cluster, manager, int(applied["metadata"]["generation"]), time.monotonic() + spec.timeout)
    texts = [hide(yaml_text.dump(side), spec) for side in shown]
    return _result(spec, cluster, managers, situation, reasons, texts)


def _receiver(managers: Managers) -> Managed:
    """The one manager that takes values; raises ReleaseError where there is none, or another beside it."""
    able = managers.receivers
    if len(able) == 1 and all(manager is able[0] for manager in managers.active):
        return able[0]
    fix = "Only a HelmRelease of Flux in the same cluster takes values: change the source, or say gitops: suspend."
    raise ReleaseError(*(managed(managers.release, manager, fix=fix) for manager in managers.active))


def _refuse_secrets(spec: ReleaseSpec, manager: Managed) -> None:
    if not spec.secret_paths:
        return
    cause = f"{', '.join(spec.secret_paths)} would stand readable in {'.'.join(manager.tool.values)} of {manager}"
    fix = "Put them into a Secret that the HelmRelease names under spec.valuesFrom, and take them out of secret_values."
    raise release_error("GOP-SECRET", str(Release(spec.name, spec.namespace)), cause, fix=fix)


def _body(manager: Managed, own: Object, wanted: Values) -> Object:
    """What is ours of the object: values that differ, and those that an earlier run wrote and that are still given."""
    there = dig(own, *manager.tool.values) or {}
    ours = _written(own, manager.tool.values)
    kept: Values = {}
    for steps, value in leaves(wanted):
        if steps in ours or dig(there, *steps) != value:
            kept = merge(kept, _nested(steps, value))
    metadata = {"name": manager.ref.name, "namespace": manager.ref.namespace}
    return {
        "apiVersion": manager.ref.api_version,
        "kind": manager.ref.kind,
        "metadata": metadata,
        **_nested(manager.tool.values, kept),
    }


def _nested(steps: Steps, value: t.Any) -> dict[str, t.Any]:
    for step in reversed(steps):
        value = {step: value}
    return t.cast(dict[str, t.Any], value)


def _written(own: Object, above: Steps) -> set[Steps]:
    """The values that are ours by managedFields."""
    found: set[Steps] = set()
    for entry in dig(own, "metadata", "managedFields") or []:
        if entry.get("manager") == WRITER and entry.get("operation") == "Apply":
            found |= set(_fields(dig(entry.get("fieldsV1"), *(f"f:{step}" for step in above)) or {}))
    return found


def _fields(tree: dict[str, t.Any], above: Steps = ()) -> t.Iterator[Steps]:
    for key, below in tree.items():
        kind, _, name = key.partition(":")
        if kind == "f":
            yield (*above, name)
            yield from _fields(below, (*above, name))


def _result(
    spec: ReleaseSpec,
    cluster: Cluster,
    managers: Managers,
    situation: Situation,
    reasons: list[str],
    texts: list[str],
) -> dict[str, t.Any]:
    history = read_history(cluster, spec.name, spec.namespace)
    return {
        "changed": bool(reasons),
        "reasons": reasons,
        "drift": [],
        "objects": {action: [] for action in ("added", "changed", "removed", "replaced")},
        "restarts": [],
        "stale_readers": [],
        "images": situation.wanted.manifest.images(),
        "release": described_release(spec, history.last),
        "diff": {"before": texts[0], "after": texts[1]},
        "findings": [finding.to_dict() for finding in said(spec, managers, changed=bool(reasons))],
        "lost_values": [],
        "managers": managers.to_result(spec),
    }
