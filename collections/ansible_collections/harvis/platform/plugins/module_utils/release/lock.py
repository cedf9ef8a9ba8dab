"""Who is working on a release: a Lease beside it, so that a killed run is known from one that is still busy."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.kube import (
    ApiRefusal,
    Cluster,
    ClusterError,
    Object,
    ObjectRef,
)
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.other_clusters import is_elsewhere
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import parse_time

LEASE_SECONDS = 15
RENEW_SECONDS = 5
_API = "coordination.k8s.io/v1"


@dataclass(frozen=True)
class Holder:
    """A process: its host, its PID namespace, its number, and when it started (numbers are used again)."""

    text: str

    @classmethod
    def me(cls) -> Holder:
        return cls(f"{_machine()}/{os.getpid()}/{_started(os.getpid())}")

    def is_gone(self) -> bool:
        """True only where it can be seen: on this machine, and the process is not there."""
        place, _, rest = self.text.partition("/pid:")
        namespace, pid, started = (*rest.split("/"), "", "")[:3]
        if f"{place}/pid:{namespace}" != _machine() or not pid.isdigit():
            return False
        return _started(int(pid)) != started

    def __str__(self) -> str:
        host, _, rest = self.text.partition("/pid:")
        parts = rest.split("/")
        return f"process {parts[1]} on {host}" if len(parts) == 3 else self.text


@dataclass(frozen=True)
class Held:
    """A lease as found."""

    holder: Holder
    renewed: str
    body: Object
    acquired: str = ""

    @property
    def is_alive(self) -> bool:
        silent = (dt.datetime.now(dt.UTC) - parse_time(self.renewed)).total_seconds() if self.renewed else LEASE_SECONDS
        return silent < LEASE_SECONDS and not self.holder.is_gone()

    @property
    def evidence(self) -> str:
        since = f"it holds the release since {self.acquired}; " if self.acquired else ""
        return f"{since}its lease was renewed at {self.renewed}"


@dataclass(frozen=True)
class Grip:
    """A lease that is held. A run that slept longer than the lease lives may find that it is another's now."""

    subject: str
    lost: threading.Event

    def keep(self) -> None:
        """Before something is changed: raise ReleaseError (REL-LOCKED) when the lease is no longer ours."""
        if self.lost.is_set():
            raise locked(self.subject, "another run", "it took the lease, which this run had not renewed in time")


def lease_ref(release: str, namespace: str) -> ObjectRef:
    return ObjectRef(_API, "Lease", f"harvis-release-{release}", namespace)


def read_lease(cluster: Cluster, release: str, namespace: str) -> Held | None:
    """Who holds the release, or held it and died; None when nobody of ours does."""
    body = cluster.get(lease_ref(release, namespace))
    if body is None:
        return None
    spec = body.get("spec") or {}
    holder = Holder(spec.get("holderIdentity") or "")
    return Held(holder, spec.get("renewTime") or "", body, spec.get("acquireTime") or "")


def helm_at_work(release: str, namespace: str, proc: Path = Path("/proc"), *, server: str = "") -> int | None:
    """The pid of a helm on this machine that changes the release; it may outlive the run that started it.

    ``server`` is the API server of the cluster that is meant: another one may have a release of this name.
    """
    verbs = {"upgrade", "install", "rollback", "uninstall"}
    for folder in proc.glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        mentioned = Path(argv[0]).name == "helm" and verbs & set(argv[1:3]) and {release, namespace} <= set(argv)
        if mentioned and not is_elsewhere(argv, folder, server):
            return int(folder.name)
    return None


@contextlib.contextmanager
def hold(cluster: Cluster, release: str, namespace: str) -> t.Iterator[Grip]:
    """Hold the release, and go on saying so until the end.

    Raises ReleaseError (REL-LOCKED) when another run holds it.
    """
    ref = lease_ref(release, namespace)
    grip = Grip(f"release {namespace}/{release}", threading.Event())
    _take(cluster, ref, read_lease(cluster, release, namespace), grip.subject)
    ended = threading.Event()
    renewer = threading.Thread(target=_renew, args=(cluster, ref, ended, grip.lost), daemon=True)
    renewer.start()
    try:
        yield grip
    finally:
        ended.set()
        renewer.join(RENEW_SECONDS)
        # A lease that stays behind expires by itself: no reason to hide what the caller has to say.
        with contextlib.suppress(ClusterError):
            if _is_mine(cluster.get(ref)):
                cluster.delete(ref)


def _take(cluster: Cluster, ref: ObjectRef, held: Held | None, subject: str) -> None:
    if held and held.is_alive:
        raise locked(subject, str(held.holder), held.evidence)
    body = _lease_body(ref)
    try:
        if held:
            # With the resourceVersion, only one of two runs that find a dead lease can take it.
            body["metadata"]["resourceVersion"] = held.body["metadata"]["resourceVersion"]
            cluster.replace(body)
        else:
            cluster.create(body)
    except ApiRefusal as exc:
        if exc.status == 409:
            raise locked(subject, "another run", "it took the lease in this moment") from exc
        raise


def locked(subject: str, holder: str, evidence: str) -> t.Any:
    """Somebody else is at work on the release."""
    cause = f"{holder} is working on it"
    return release_error(
        "REL-LOCKED",
        subject,
        cause,
        evidence=evidence,
        fix="Let it end, then run again; or have this run wait for it with lock_seconds.",
    )


def _renew(cluster: Cluster, ref: ObjectRef, ended: threading.Event, lost: threading.Event) -> None:
    while not ended.wait(RENEW_SECONDS):
        with contextlib.suppress(ClusterError):
            renew(cluster, ref, lost)
            if lost.is_set():
                return


def renew(cluster: Cluster, ref: ObjectRef, lost: threading.Event) -> None:
    """Say that this run is still at work; ``lost`` is set where another run has taken the lease."""
    found = cluster.get(ref)
    if found is None or not _is_mine(found):
        lost.set()
        return
    found["spec"]["renewTime"] = _now()
    # With its resourceVersion: whoever takes the lease in this moment is not overwritten.
    cluster.replace(found)


def _is_mine(lease: Object | None) -> bool:
    return bool(lease and (lease.get("spec") or {}).get("holderIdentity") == Holder.me().text)


def _lease_body(ref: ObjectRef) -> Object:
    spec = {
        "holderIdentity": Holder.me().text,
        "leaseDurationSeconds": LEASE_SECONDS,
        "acquireTime": _now(),
        "renewTime": _now(),
    }
    metadata: dict[str, t.Any] = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": _API, "kind": "Lease", "metadata": metadata, "spec": spec}


def _now() -> str:
    return dt.datetime.fromtimestamp(time.time(), dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _machine() -> str:
    """Host name and PID namespace: in another container the same number is another process."""
    return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> str:
    """The process's start in clock ticks since boot; empty when it does not run (any more)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    # The name in parentheses may hold spaces; field 22 counts from behind it.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
