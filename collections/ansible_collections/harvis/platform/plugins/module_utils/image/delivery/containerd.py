"""Delivery into the containerd of a node, layer by layer."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import Daemon
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Delivered, Item, fits
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.layer_store import (
    LayerStore,
    LayerStoreError,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.oci import Source, write_archive
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.saved import SavedArchive
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import (
    MAKE_ROOM,
    ImageError,
    image_error,
    is_full,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, ProcessError, Runner

DEFAULT_ADDRESS = "/run/containerd/containerd.sock"
# The kubelet sees this namespace and no other.
NAMESPACE = "k8s.io"
_PARALLEL = 4


@dataclass(frozen=True)
class Containerd:
    """A node's image store, through ``ctr``."""

    runner: Runner
    ctr: str = "ctr"
    address: str = DEFAULT_ADDRESS
    namespace: str = NAMESPACE

    def images(self, references: t.Sequence[Reference]) -> dict[Reference, str]:
        """Config digests of those images that are there with all their content and unpacked."""
        wanted = {str(reference): reference for reference in references}
        rows = [
            line.split()
            for line in self._run("images", "check", *(f"name=={name}" for name in wanted)).stdout.splitlines()
        ]
        complete = {
            row[0]: row[2] for row in rows[1:] if row[0] in wanted and row[3] == "complete" and row[-1] == "true"
        }
        with ThreadPoolExecutor(_PARALLEL) as pool:
            digests = pool.map(self._config_digest, complete.values())
        return {wanted[name]: digest for name, digest in zip(complete, digests, strict=True)}

    def names(self) -> list[str]:
        """Names of all images."""
        return self._run("images", "ls", "-q").stdout.split()

    def config(self, name: str) -> dict[str, t.Any]:
        """The document that says how an image is run, and when it was made."""
        rows = [line.split() for line in self._run("images", "ls", f"name=={name}").stdout.splitlines()]
        digest = next(row[2] for row in rows[1:] if row[0] == name)
        document: dict[str, t.Any] = json.loads(self._run("content", "get", self._config_digest(digest)).stdout)
        return document

    def remove(self, reference: Reference) -> None:
        """Its name goes at once, and its layers when containerd next looks what is named by nothing."""
        self._run("images", "rm", str(reference))

    def layers(self) -> set[str]:
        """Digests of everything in the content store."""
        return set(self._run("content", "ls", "-q").stdout.split())

    def load(self, sources: t.Sequence[Source], held: t.Collection[str]) -> None:
        """Import the images, sending only layers that are not ``held``.

        Raises ProcessError when containerd refuses the archive.
        """
        reader, writer = os.pipe()

        def feed() -> None:
            # A refused import closes the pipe early; its exit status says more than the broken pipe does.
            with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "wb") as sink:
                write_archive(sink, sources, held)

        with ThreadPoolExecutor(1) as pool, os.fdopen(reader, "rb") as stdin:
            feeding = pool.submit(feed)
            try:
                self._run("images", "import", "-", stdin=stdin)
            finally:
                stdin.close()
            feeding.result()

    def _config_digest(self, digest: str) -> str:
        document = json.loads(self._run("content", "get", digest).stdout)
        if "config" in document:
            return str(document["config"]["digest"])
        held = self.layers()
        manifest = next((entry["digest"] for entry in document.get("manifests", ()) if entry["digest"] in held), None)
        return self._config_digest(manifest) if manifest else ""

    def _run(self, *args: str, stdin: t.IO[bytes] | None = None) -> CommandResult:
        where = ["--address", self.address, "--connect-timeout", "5s", "--namespace", self.namespace]
        return self.runner.run([self.ctr, *where, *args], stdin=stdin)


@dataclass(frozen=True)
class ContainerdDestination:
    """Takes images from archives or from the host's Docker into ``node``; ``connect`` is called only for the latter."""

    node: Containerd
    connect: t.Callable[[], Daemon]
    work_dir: Path

    def deliver(self, items: t.Sequence[Item], *, check_mode: bool) -> list[Delivered]:
        """Raises IMG-MISSING when the node does not see an image in the end, or when there is none to give."""
        wanted = {item.reference: self._wanted_id(item, check_mode=check_mode) for item in items}
        seen = self._seen(list(wanted))
        missing = [item for item in items if not fits(seen.get(item.reference), wanted[item.reference])]
        if missing and not check_mode:
            wanted |= self._import(missing)
            self._prove(wanted)
        return [Delivered(item.reference, item.reference, wanted[item.reference], item in missing) for item in items]

    def _wanted_id(self, item: Item, *, check_mode: bool) -> str:
        """The digest to be seen; in check mode empty for an image that an earlier task would have made."""
        if item.archive and item.archive.is_file():
            with SavedArchive(item.archive) as archive:
                return archive.image(str(item.reference)).id
        found = self.connect().find(item.reference)
        if found is None and check_mode:
            return ""
        if found is None:
            evidence = f"{item.archive} does not exist, and Docker does not know the name." if item.archive else ""
            cause = "there is no such image to deliver"
            raise image_error("IMG-MISSING", str(item.reference), cause, evidence=evidence, fix="Build it first.")
        return found.id

    def _seen(self, references: t.Sequence[Reference]) -> dict[Reference, str]:
        try:
            return self.node.images(references)
        except ProcessError as exc:
            cause = "the node's containerd cannot be asked for its images"
            fix = "Check that containerd runs, and run the task with become."
            raise image_error("IMG-MISSING", self.node.address, cause, evidence=str(exc), fix=fix) from exc

    def _import(self, items: t.Sequence[Item]) -> dict[Reference, str]:
        """The digests of what was given to the node."""
        given = self._import_from_store(items)
        if given is not None:
            return given
        with contextlib.ExitStack() as stack:
            sources = list(self._sources(items, stack))
            given = {item.reference: source.image.id for item, source in zip(items, sources, strict=True)}
            with contextlib.suppress(ProcessError):
                self.node.load(sources, self.node.layers())
            if self._seen(list(given)) != given:
                # A layer may be collected as garbage between the listing and the import; whole images can't miss one.
                self._import_whole(sources)
        return given

    def _import_from_store(self, items: t.Sequence[Item]) -> dict[Reference, str] | None:
        """The same, reading only what the node misses, from Docker's own store; None where that did not work."""
        if any(item.archive and item.archive.is_file() for item in items):
            return None
        daemon = self.connect()
        root = daemon.store()
        if root is None:
            return None
        try:
            given = {item.reference: found.id for item in items if (found := daemon.find(item.reference))}
            store = LayerStore(root)
            sources = [Source(store, store.image(str(name), image), str(name)) for name, image in given.items()]
            for held in (self.node.layers(), ()):
                with contextlib.suppress(ProcessError):
                    self.node.load(sources, held)
                if self._seen(list(given)) == given:
                    return given if len(given) == len(items) else None
        except LayerStoreError:
            return None
        return None

    def _import_whole(self, sources: t.Sequence[Source]) -> None:
        try:
            self.node.load(sources, ())
        except ProcessError as exc:
            names = ", ".join(source.name for source in sources)
            if is_full(str(exc)):
                cause = "the disk of the node's image store is full"
                raise image_error("IMG-SPACE", names, cause, evidence=str(exc), fix=MAKE_ROOM) from exc
            cause = "the node's containerd refuses the import"
            raise image_error("IMG-MISSING", names, cause, evidence=str(exc), fix="Look at containerd's log.") from exc

    def _sources(self, items: t.Sequence[Item], stack: contextlib.ExitStack) -> t.Iterator[Source]:
        from_docker = [item.reference for item in items if not (item.archive and item.archive.is_file())]
        saved = stack.enter_context(self._saved(from_docker)) if from_docker else None
        for item in items:
            if saved and item.reference in from_docker:
                archive = saved
            else:
                archive = stack.enter_context(SavedArchive(t.cast(Path, item.archive)))
            yield Source(archive, archive.image(str(item.reference)), str(item.reference))

    @contextlib.contextmanager
    def _saved(self, references: t.Sequence[Reference]) -> t.Iterator[SavedArchive]:
        """The images as Docker gives them out; on disk, since their list of layers comes last."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="deliver-", dir=self.work_dir) as folder:
            target = Path(folder) / "images.tar"
            self.connect().save(references, target)
            with SavedArchive(target) as archive:
                yield archive

    def _prove(self, wanted: t.Mapping[Reference, str]) -> None:
        seen = self._seen(list(wanted))
        findings = [
            Finding(
                "IMG-MISSING",
                str(reference),
                "the node does not see the image under its digest after the import",
                f"wanted {identifier}, seen {seen.get(reference, 'nothing')}",
                "Look at containerd's log and at the free disk space, then run again.",
            )
            for reference, identifier in wanted.items()
            if not fits(seen.get(reference), identifier)
        ]
        if findings:
            raise ImageError(*findings)
