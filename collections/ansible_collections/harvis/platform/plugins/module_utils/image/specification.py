"""What a task says about an image to be built, and what the controller makes of it."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.context import (
    SourceFile,
    list_paths,
    pack,
    read_file,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.digest import content_digest
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.ignore import find_rules
from ansible_collections.harvis.platform.plugins.module_utils.image.record import Record
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream, check_name

BASE_ARGUMENT = "BASE"


class Origin(enum.StrEnum):
    """Where an image may come from, and where it did come from."""

    AUTO = "auto"
    CACHE = "cache"
    PULL = "pull"
    BUILD = "build"


@dataclass(frozen=True)
class ImageSpec:
    """One entry of ``images``."""

    name: str
    build_args: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    base: Reference | None = None
    upstream: Upstream | None = None
    origin: Origin = Origin.AUTO
    archive: bool = False
    load: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> ImageSpec:
        upstream = params.get("upstream")
        origin = Origin(params.get("origin") or Origin.AUTO)
        if origin is Origin.PULL and not upstream:
            cause = "origin is pull, and upstream is not given"
            raise image_error(
                "PLB-INPUT", params["name"], cause, fix="Name upstream by digest, or choose another origin."
            )
        return cls(
            name=check_name(params["name"]),
            build_args={key: str(value) for key, value in (params.get("build_args") or {}).items()},
            target=params.get("target") or None,
            base=Reference.parse(params["base"]) if params.get("base") else None,
            upstream=Upstream.parse(upstream) if upstream else None,
            origin=origin,
            archive=bool(params.get("archive")),
            load=bool(params.get("load")),
        )

    @property
    def in_docker(self) -> bool:
        """Whether the image has to be on the daemon, and not in the cache alone."""
        return self.load or not self.archive

    @property
    def all_build_args(self) -> dict[str, str]:
        return {**({BASE_ARGUMENT: str(self.base)} if self.base else {}), **self.build_args}

    def references(self, prefix: str, digest: str) -> tuple[Reference, ...]:
        """Names under which an image that fits may exist, the preferred one first.

        A pulled image is called after its registry's digest, a built one after its sources.
        """
        own = Reference.of_content(prefix, self.name, digest)
        if self.upstream is None or self.origin is Origin.BUILD:
            return (own,)
        pulled = Reference.of_content(prefix, self.name, self.upstream.digest)
        return (pulled,) if self.origin is Origin.PULL else (pulled, own)


@dataclass(frozen=True)
class Sources:
    """Where the controller finds what an image is built from."""

    context: Path
    dockerfile: Path
    include: tuple[str, ...] = ()

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Sources:
        context = Path(params["context"]).expanduser().resolve()
        return cls(
            context,
            context / Path(params.get("dockerfile") or "Dockerfile").expanduser(),
            tuple(params.get("include") or ()),
        )

    def prepare(self, spec: ImageSpec) -> Prepared:
        """Read everything that counts.

        Raises IMG-SOURCE when a path is missing or cannot be read.
        """
        dockerfile = self._dockerfile_text()
        paths = list_paths(self.context, self.include, find_rules(self.context, self.dockerfile))
        files = tuple(read_file(self.context, path) for path in paths)
        base = str(spec.base) if spec.base else None
        made_of = (files, dockerfile, spec.build_args)
        digest = content_digest(*made_of, target=spec.target, base=base)
        return Prepared(self, files, dockerfile, digest, Record.of(*made_of, target=spec.target, base=base))

    def _dockerfile_text(self) -> str:
        try:
            return self.dockerfile.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise ImageError(
                *image_error(
                    "IMG-SOURCE", str(self.dockerfile), f"cannot be read: {exc}", fix="Correct dockerfile."
                ).findings
            ) from exc


@dataclass(frozen=True)
class Prepared:
    """Sources, read."""

    sources: Sources
    files: tuple[SourceFile, ...]
    dockerfile: str
    digest: str
    record: Record

    def write(self, target: Path) -> None:
        pack(target, self.sources.context, self.files, self.dockerfile)
