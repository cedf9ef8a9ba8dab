"""What Helm does not keep of a revision: its source, the identities of its images, and whether it was verified.

A ConfigMap beside the release holds it. Helm's own labels on a revision's Secret take 63 characters of a small
alphabet, too few for a digest, and Helm writes the Secret anew when a revision is superseded, without annotations.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field, replace

from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, Cluster, Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import History, Revision

_ATTEMPTS = 5


@dataclass(frozen=True)
class Record:
    """Of one revision. ``updated`` tells it from another that had the number before an uninstall."""

    updated: str
    source: str = ""
    images: dict[str, str] = field(default_factory=dict)
    verified: bool | None = None
    verified_at: str = ""
    note: str = ""
    rolled_back_to: int = 0

    def summary(self) -> dict[str, t.Any]:
        return {key: value for key, value in asdict(self).items() if key != "updated"}


@dataclass(frozen=True)
class Records:
    """All of one release, by revision."""

    by_number: t.Mapping[int, Record] = field(default_factory=dict)

    def of(self, revision: Revision) -> Record:
        """An empty record where nothing is known."""
        found = self.by_number.get(revision.number)
        return found if found and found.updated == revision.updated else Record(revision.updated)

    def last_verified(self, history: History) -> Revision | None:
        """The newest revision that was deployed and passed verification."""
        good = [r for r in history.revisions if r.status in ("deployed", "superseded") and self.of(r).verified]
        return good[-1] if good else None


def records_ref(release: str, namespace: str) -> ObjectRef:
    return ObjectRef("v1", "ConfigMap", f"harvis-release-{release}", namespace)


def read_records(cluster: Cluster, release: str, namespace: str) -> Records:
    return _decode(cluster.get(records_ref(release, namespace)))


def write_record(cluster: Cluster, history: History, revision: Revision, **changes: t.Any) -> Record:
    """Set fields of one revision's record; those of revisions that Helm has dropped go."""
    ref = records_ref(revision.name, revision.namespace)
    for attempt in range(_ATTEMPTS):
        found = cluster.get(ref)
        records = _decode(found)
        record = replace(records.of(revision), **changes)
        kept = {r.number: records.of(r) for r in history.revisions if records.of(r) != Record(r.updated)}
        body = _encode(ref, {**kept, revision.number: record}, found)
        try:
            cluster.replace(body) if found else cluster.create(body)
        except ApiRefusal as exc:
            # Somebody else wrote in between: theirs is read and kept.
            if exc.status != 409 or attempt == _ATTEMPTS - 1:
                raise
            continue
        return record
    raise AssertionError("unreachable")


def forget(cluster: Cluster, release: str, namespace: str) -> bool:
    """With the release goes what was known of it."""
    return cluster.delete(records_ref(release, namespace))


def _decode(body: Object | None) -> Records:
    data = (body or {}).get("data") or {}
    return Records({int(number): Record(**json.loads(text)) for number, text in data.items() if number.isdigit()})


def _encode(ref: ObjectRef, records: dict[int, Record], found: Object | None) -> Object:
    labels = {"app.kubernetes.io/managed-by": "harvis"}
    metadata: dict[str, t.Any] = {"name": ref.name, "namespace": ref.namespace, "labels": labels}
    if found:
        metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
    data = {str(number): json.dumps(asdict(record), sort_keys=True) for number, record in sorted(records.items())}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
