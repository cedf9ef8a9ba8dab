"""Delivery onto the daemon that the cluster itself uses, as ``minikube docker-env`` names it."""

from __future__ import annotations

import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import Daemon, ImageOnDaemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Delivered, Item, fits
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.saved import SavedArchive
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference

ENVIRONMENT = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True)
class DockerEnvDestination:
    """``connect_cluster`` is the daemon that the kubelet uses, ``connect_default`` the host's own."""

    connect_cluster: t.Callable[[], Daemon]
    connect_default: t.Callable[[], Daemon]
    work_dir: Path

    def deliver(self, items: t.Sequence[Item], *, check_mode: bool) -> list[Delivered]:
        """Raises IMG-DAEMON when an image would stay on a daemon that the cluster does not use."""
        cluster = self._cluster(items)
        return [self._deliver(cluster, item, check_mode=check_mode) for item in items]

    def _cluster(self, items: t.Sequence[Item]) -> Daemon:
        try:
            return self.connect_cluster()
        except ImageError as exc:
            names = ", ".join(str(item.reference) for item in items)
            cause = "would be left on this host's daemon, because the cluster's does not answer"
            fix = "Correct the cluster's DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
            raise image_error("IMG-DAEMON", names, cause, evidence=str(exc), fix=fix) from exc

    def _deliver(self, cluster: Daemon, item: Item, *, check_mode: bool) -> Delivered:
        there = cluster.find(item.reference)
        if item.archive and item.archive.is_file():
            wanted = self._archived_id(item.archive, item.reference)
            archive: Path | None = item.archive
        else:
            wanted, archive = self._default_id(cluster, item.reference, there, check_mode=check_mode), None
        if there and fits(there.id, wanted):
            return Delivered(item.reference, item.reference, wanted, False)
        if not check_mode:
            self._bring(cluster, item.reference, archive)
            self._prove(cluster, item.reference, wanted)
        return Delivered(item.reference, item.reference, wanted, True)

    def _archived_id(self, path: Path, reference: Reference) -> str:
        with SavedArchive(path) as archive:
            return archive.image(str(reference)).id

    def _default_id(
        self, cluster: Daemon, reference: Reference, there: ImageOnDaemon | None, *, check_mode: bool
    ) -> str:
        """The ID the image has on the host's own daemon; one that only the cluster's daemon has is right as it is.

        In check mode it is empty for an image that an earlier task would have made.
        """
        here = None
        try:
            here = self.connect_default().find(reference)
        except ImageError:
            if there is None:
                raise
        if here or there:
            return t.cast(ImageOnDaemon, here or there).id
        if check_mode:
            return ""
        cause = f"is neither on {cluster.host} nor on this host's daemon"
        raise image_error("IMG-MISSING", str(reference), cause, fix="Build it first.")

    def _bring(self, cluster: Daemon, reference: Reference, archive: Path | None) -> None:
        if archive:
            cluster.load(archive)
            return
        self.work_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="deliver-", dir=self.work_dir) as folder:
            saved = Path(folder) / "image.tar"
            self.connect_default().save([reference], saved)
            cluster.load(saved)

    def _prove(self, cluster: Daemon, reference: Reference, wanted: str) -> None:
        seen = cluster.find(reference)
        if seen is None or not fits(seen.id, wanted):
            cause = f"is not on {cluster.host} under its digest, although it was loaded there"
            evidence = f"wanted {wanted}, seen {seen.id if seen else 'nothing'}"
            fix = "Check that DOCKER_HOST names the daemon of the cluster."
            raise image_error("IMG-DAEMON", str(reference), cause, evidence=evidence, fix=fix)
