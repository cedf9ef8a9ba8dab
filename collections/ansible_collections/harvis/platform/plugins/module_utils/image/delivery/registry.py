"""Delivery through a registry that the cluster pulls from; only layers it does not hold travel."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import Daemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Delivered, Item
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference


@dataclass(frozen=True)
class RegistryDestination:
    """``address`` is the registry, with a path if it wants one; ``auth`` holds ``username`` and ``password``."""

    connect: t.Callable[[], Daemon]
    address: str
    auth: dict[str, str] | None = None

    def deliver(self, items: t.Sequence[Item], *, check_mode: bool) -> list[Delivered]:
        """Raises IMG-MISSING when the registry does not hold the manifest that was pushed."""
        daemon = self.connect()
        return [self._deliver(daemon, item, check_mode=check_mode) for item in items]

    def _deliver(self, daemon: Daemon, item: Item, *, check_mode: bool) -> Delivered:
        name = item.reference.on_registry(self.address)
        self._have(daemon, item, check_mode=check_mode)
        before = daemon.registry_digest(str(name), self.auth)
        if before and before in self._known_manifests(daemon, item.reference, name):
            return Delivered(item.reference, name, before, False)
        if check_mode:
            return Delivered(item.reference, name, before or "", True)
        daemon.tag(str(item.reference), name)
        daemon.push(name, self.auth)
        after = self._prove(daemon, item.reference, name)
        return Delivered(item.reference, name, after, after != before)

    def _have(self, daemon: Daemon, item: Item, *, check_mode: bool) -> None:
        """See to it that the daemon, which does the pushing, has the image."""
        if check_mode or daemon.find(item.reference) is not None:
            return
        if item.archive is None or not item.archive.is_file():
            cause = "there is no such image to deliver"
            raise image_error("IMG-MISSING", str(item.reference), cause, fix="Build it first.")
        daemon.load(item.archive)

    def _known_manifests(self, daemon: Daemon, reference: Reference, name: Reference) -> set[str]:
        """Digests under which the daemon knows that this very image lies on the registry."""
        found = daemon.find(reference)
        pairs = (entry.rpartition("@") for entry in (found.repo_digests if found else ()))
        return {digest for repository, _at, digest in pairs if repository == name.repository}

    def _prove(self, daemon: Daemon, reference: Reference, name: Reference) -> str:
        seen = daemon.registry_digest(str(name), self.auth)
        known = self._known_manifests(daemon, reference, name)
        if seen is None or seen not in known:
            cause = "the registry does not show the manifest that was pushed"
            evidence = f"pushed {', '.join(sorted(known)) or 'nothing'}, seen {seen or 'nothing'}"
            raise image_error(
                "IMG-MISSING", str(name), cause, evidence=evidence, fix="Check what answers at the address."
            )
        return seen
