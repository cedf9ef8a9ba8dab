"""The Debian base image: from the cache, from a registry, or made from packages."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.apt_sources import (
    DEFAULT_KEYRING,
    Mirror,
    find_mirror,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import Daemon, connect
from ansible_collections.harvis.platform.plugins.module_utils.image.digest import recipe_digest
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import (
    TAG_HEX,
    Reference,
    Upstream,
    check_name,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.rootfs import (
    ROOT_PATH,
    RootfsRequest,
    installed_packages,
    make_rootfs,
    pack_rootfs,
    remove_rootfs,
    trim,
    upgrade,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import Origin
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

# On the image: which request it answers, so that it is found again without the cache.
LABEL = "platform.harvis.request"
CHANGES = (f"ENV PATH={ROOT_PATH}", 'CMD ["/bin/bash"]')
NEEDED_BYTES = 1_500_000_000


@dataclass(frozen=True)
class BootstrapSpec:
    """``mirror`` and ``keyring`` overrule what the host's apt sources say."""

    name: str
    prefix: str
    rootfs: RootfsRequest
    cache_dir: Path
    work_dir: Path
    log_dir: Path
    mirror: str | None = None
    keyring: str | None = None
    upstream: Upstream | None = None
    origin: Origin = Origin.AUTO
    load: bool = True

    @property
    def request(self) -> str:
        """Stands for what was asked for, before the versions are known that came of it."""
        return recipe_digest({"request": self.rootfs.to_recipe()})[:TAG_HEX]

    @property
    def pulled(self) -> Reference | None:
        return Reference.of_content(self.prefix, self.name, self.upstream.digest) if self.upstream else None


@dataclass(frozen=True)
class Base:
    """The base image; without ``reference`` it would have to be made first."""

    reference: Reference | None
    origin: Origin
    changed: bool
    archive: Path | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "reference": str(self.reference) if self.reference else None,
            "origin": str(self.origin),
            "changed": self.changed,
            "archive": str(self.archive) if self.archive else None,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class Bootstrapper:
    """Has one base image; ``daemon`` is asked for it first."""

    spec: BootstrapSpec
    daemon: Daemon
    runner: Runner
    root: Path = Path("/")
    clock: t.Callable[[], float] = time.monotonic

    def ensure(self, *, check_mode: bool) -> Base:
        """The image; in check mode without a name when it would be built: the name follows from what gets installed."""
        started = self.clock()
        known = self._known()
        if known is not None:
            return self._complete(known, Origin.CACHE, started, check_mode=check_mode)
        if self.spec.origin is Origin.CACHE:
            cause = "is neither in Docker nor in the cache, and origin is cache"
            raise image_error("IMG-ORIGIN", self.spec.name, cause, fix="Set origin to auto, or fill the cache.")
        if self._may_pull():
            pulled = self._pull(check_mode=check_mode)
            if pulled:
                return self._complete(pulled, Origin.PULL, started, check_mode=check_mode)
        mirror = self._mirror()
        self._check_space()
        if check_mode:
            return Base(None, Origin.BUILD, True)
        with self._lock():
            # Another run may have made it while this one waited.
            reference = self._known() or self._build(mirror)
            return self._complete(reference, Origin.BUILD, started, check_mode=False)

    def _known(self) -> Reference | None:
        """The newest image that answers the request and is within reach."""
        if self.spec.origin is not Origin.BUILD and self.spec.pulled and self._in_reach(self.spec.pulled):
            return self.spec.pulled
        if self.spec.origin is Origin.PULL:
            return None
        recorded = [Reference.parse(recipe["reference"]) for recipe in self._recipes()]
        labelled = [reference for reference, _image in self.daemon.find_labelled(f"{LABEL}={self.spec.request}")]
        ours = f"{self.spec.prefix}/{self.spec.name}"
        candidates = [reference for reference in (*recorded, *labelled) if reference.repository == ours]
        return next((reference for reference in candidates if self._in_reach(reference)), None)

    def _recipes(self) -> list[dict[str, t.Any]]:
        """Recipes in the cache for this request, newest first."""
        paths = (self.spec.cache_dir / "images").glob(f"{self.spec.name}-*.json")
        newest = sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)
        recipes = [json.loads(path.read_text(encoding="utf-8")) for path in newest]
        return [recipe for recipe in recipes if recipe.get("request") == self.spec.request]

    def _in_reach(self, reference: Reference) -> bool:
        return reference.archive(self.spec.cache_dir).is_file() or self.daemon.find(reference) is not None

    def _complete(self, reference: Reference, origin: Origin, started: float, *, check_mode: bool) -> Base:
        """Load what only the cache has, and keep for the cache what a registry gave."""
        archive = reference.archive(self.spec.cache_dir)
        in_docker = self.daemon.find(reference) is not None
        to_load = self.spec.load and not in_docker
        if origin is Origin.CACHE and to_load and not check_mode:
            self.daemon.load(archive)
        elif origin is Origin.PULL and not check_mode:
            self.daemon.save([reference], archive)
        changed = to_load or origin is not Origin.CACHE
        return Base(reference, origin, changed, archive, self.clock() - started)

    def _may_pull(self) -> bool:
        if self.spec.upstream is None or self.spec.origin is Origin.BUILD:
            return False
        answers = self.daemon.registry_digest(str(self.spec.upstream)) is not None
        if not answers and self.spec.origin is Origin.PULL:
            cause = "its registry does not answer for it, and origin is pull"
            raise image_error(
                "IMG-ORIGIN", str(self.spec.upstream), cause, fix="Set origin to auto, or mend the way there."
            )
        return answers

    def _pull(self, *, check_mode: bool) -> Reference | None:
        upstream, reference = t.cast(Upstream, self.spec.upstream), t.cast(Reference, self.spec.pulled)
        if check_mode:
            return reference
        try:
            self.daemon.pull(upstream, reference)
        except ImageError:
            if self.spec.origin is Origin.PULL:
                raise
            return None
        return reference

    def _mirror(self) -> Mirror:
        if self.spec.mirror:
            return Mirror(self.spec.mirror, self.spec.keyring or DEFAULT_KEYRING)
        found = find_mirror(self.spec.rootfs.suite, self.root)
        return Mirror(found.uri, self.spec.keyring or found.keyring, found.updates)

    def _check_space(self) -> None:
        folder = next(path for path in (self.spec.work_dir, *self.spec.work_dir.parents) if path.exists())
        free = shutil.disk_usage(folder).free
        if free < NEEDED_BYTES:
            cause = f"{free // 1_000_000} MB are free, and {NEEDED_BYTES // 1_000_000} MB are needed"
            raise image_error("RES-DISK", str(folder), cause, fix="Free some space, or set work_dir.")

    def _build(self, mirror: Mirror) -> Reference:
        work = self.spec.work_dir / f"harvis-{self.spec.name}-{self.spec.request}"
        root, packed = work / "root", work / "root.tar"
        remove_rootfs(work, self.runner)
        root.mkdir(parents=True)
        try:
            log = self.spec.log_dir / f"{self.spec.name}.log"
            make_rootfs(self.spec.rootfs, mirror, root, self.runner, log)
            upgrade(root, mirror.sources_list(self.spec.rootfs.suite), self.runner, log.with_suffix(".upgrade.log"))
            packages = installed_packages(root, self.runner)
            trim(root)
            pack_rootfs(root, packed, self.runner)
            return self._record(packed, packages)
        finally:
            remove_rootfs(work, self.runner)

    def _record(self, packed: Path, packages: dict[str, str]) -> Reference:
        recipe = {**self.spec.rootfs.to_recipe(), "packages": packages}
        reference = Reference.of_content(self.spec.prefix, self.spec.name, recipe_digest(recipe))
        self.daemon.import_rootfs(packed, reference, (*CHANGES, f"LABEL {LABEL}={self.spec.request}"))
        archive = reference.archive(self.spec.cache_dir)
        self.daemon.save([reference], archive)
        record = {"reference": str(reference), "request": self.spec.request, **recipe}
        # The recipe comes last and at once: where it lies, the archive is whole.
        partial = archive.with_suffix(".json.partial")
        partial.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(archive.with_suffix(".json"))
        return reference

    @contextmanager
    def _lock(self) -> t.Iterator[None]:
        """One build of a request at a time on this host."""
        self.spec.work_dir.mkdir(parents=True, exist_ok=True)
        path = self.spec.work_dir / f"harvis-{self.spec.name}-{self.spec.request}.lock"
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def bootstrap_image(params: t.Mapping[str, t.Any], runner: Runner, *, check_mode: bool) -> dict[str, t.Any]:
    """From the options of a task to its result."""
    spec = BootstrapSpec(
        name=check_name(params["name"]),
        prefix=params["prefix"],
        rootfs=RootfsRequest(params["suite"], tuple(params["include"])),
        cache_dir=Path(params["cache_dir"]),
        work_dir=Path(params["work_dir"]),
        log_dir=Path(params["log_dir"]),
        mirror=params["mirror"],
        keyring=params["keyring"],
        upstream=Upstream.parse(params["upstream"]) if params["upstream"] else None,
        origin=Origin(params["origin"]),
        load=params["load"],
    )
    base = Bootstrapper(spec, connect(params["docker_host"]), runner).ensure(check_mode=check_mode)
    result = base.to_dict()
    after = {spec.name: result["reference"]}
    return {
        "changed": base.changed,
        "images": {spec.name: result},
        "deliverables": [{"reference": result["reference"], "archive": result["archive"]}],
        "diff": {"before": {spec.name: None} if base.changed else after, "after": after},
    }
