"""Helm's own records: one Secret for each revision, read directly because every helm call costs a process."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error

SECRET_TYPE = "helm.sh/release.v1"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


@dataclass(frozen=True)
class Revision:
    """One revision of a release, as Helm recorded it."""

    name: str
    namespace: str
    number: int
    status: str
    updated: str
    description: str
    chart: str
    chart_version: str
    app_version: str
    values: dict[str, t.Any]
    manifest: str
    hooks: str
    chart_values: dict[str, t.Any] = field(default_factory=dict)

    @property
    def is_pending(self) -> bool:
        return self.status in PENDING

    @property
    def age(self) -> float:
        """Seconds since Helm last wrote the revision's start."""
        return (dt.datetime.now(dt.UTC) - parse_time(self.updated)).total_seconds()

    def summary(self) -> dict[str, t.Any]:
        """What people and playbooks want to know; no values and no manifest, which may hold secrets."""
        return {
            "revision": self.number,
            "status": self.status,
            "updated": self.updated,
            "description": self.description,
            "chart": self.chart,
            "chart_version": self.chart_version,
            "app_version": self.app_version,
        }


@dataclass(frozen=True)
class History:
    """All kept revisions of one release, oldest first."""

    revisions: tuple[Revision, ...] = ()

    @property
    def last(self) -> Revision | None:
        return self.revisions[-1] if self.revisions else None

    @property
    def deployed(self) -> Revision | None:
        """The revision whose objects are meant to be live."""
        return next((r for r in reversed(self.revisions) if r.status == "deployed"), None)

    @property
    def last_good(self) -> Revision | None:
        """What a rollback goes to: the deployed revision, else the last that once was."""
        return self.deployed or next((r for r in reversed(self.revisions) if r.status == "superseded"), None)

    @property
    def is_installed(self) -> bool:
        return self.last is not None and self.last.status != "uninstalled"


def read_history(cluster: Cluster, name: str, namespace: str) -> History:
    """The revisions of one release; an empty history when there is none."""
    return read_histories(cluster, namespace, name).get((namespace, name), History())


def read_histories(cluster: Cluster, namespace: str = "", name: str = "") -> dict[tuple[str, str], History]:
    """By namespace and name; an empty ``namespace`` or ``name`` means all of them."""
    labels = "owner=helm" + (f",name={name}" if name else "")
    secrets = cluster.find("v1", "Secret", namespace=namespace, labels=labels, fields=f"type={SECRET_TYPE}")
    found: dict[tuple[str, str], list[Revision]] = {}
    for revision in map(decode_revision, secrets):
        found.setdefault((revision.namespace, revision.name), []).append(revision)
    return {key: History(tuple(sorted(all_, key=lambda r: r.number))) for key, all_ in sorted(found.items())}


def decode_revision(secret: Object) -> Revision:
    """Out of the Secret's ``release`` key: base64 (the API's) of base64 (Helm's) of gzipped JSON."""
    metadata = secret["metadata"]
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        record = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
    except (KeyError, ValueError, OSError) as exc:
        subject = f"Secret {metadata['namespace']}/{metadata['name']}"
        raise release_error("REL-FAILED", subject, "Helm's record cannot be read", evidence=str(exc)) from exc
    info = record.get("info") or {}
    chart = (record.get("chart") or {}).get("metadata") or {}
    return Revision(
        name=record["name"],
        namespace=record.get("namespace") or metadata["namespace"],
        number=int(record.get("version") or 0),
        status=str(info.get("status") or "unknown"),
        updated=str(info.get("last_deployed") or metadata.get("creationTimestamp") or ""),
        description=str(info.get("description") or ""),
        chart=str(chart.get("name") or ""),
        chart_version=str(chart.get("version") or ""),
        app_version=str(chart.get("appVersion") or ""),
        values=record.get("config") or {},
        chart_values=(record.get("chart") or {}).get("values") or {},
        manifest=record.get("manifest") or "",
        hooks="".join(f"---\n# Source: {h.get('path')}\n{h.get('manifest')}\n" for h in record.get("hooks") or []),
    )


def parse_time(text: str) -> dt.datetime:
    """Go writes nanoseconds, which Python does not read."""
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text)
    parsed = dt.datetime.fromisoformat(trimmed.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)
