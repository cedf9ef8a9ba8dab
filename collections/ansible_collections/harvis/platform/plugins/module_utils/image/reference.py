"""Image references: names whose tag says what the image was made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error

TAG_HEX = 16
DEFAULT_PREFIX = "harvis.local"
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_BY_DIGEST = re.compile(r"(?P<repository>[^@\s]+)@sha256:(?P<hex>[0-9a-f]{64})")


@dataclass(frozen=True)
class Reference:
    """A tagged image, as ``harvis.local/vhm-indexer:sha256-0123456789abcdef``."""

    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Split ``text``; a colon before the last slash belongs to a registry's port, not to a tag."""
        repository, colon, tag = text.rpartition(":")
        if not colon or not repository or not tag or "/" in tag or "@" in text:
            raise image_error(
                "PLB-INPUT", text, "is not an image reference with a tag", fix="Write <repository>:<tag>."
            )
        return cls(repository, tag)

    @classmethod
    def of_content(cls, prefix: str, name: str, digest: str) -> Reference:
        """The reference of the image ``name`` whose content digest is ``digest`` (64 hex digits)."""
        return cls(f"{prefix}/{name}", f"sha256-{digest[:TAG_HEX]}")

    @property
    def file_stem(self) -> str:
        """``<name>-<hex>``: what files that belong to this image are called."""
        return f"{self.repository.rpartition('/')[2]}-{self.tag.removeprefix('sha256-')}"

    def archive(self, cache_dir: Path) -> Path:
        """Where the cache keeps this image as Docker saves it."""
        return cache_dir / "images" / f"{self.file_stem}.tar"

    def on_registry(self, registry: str) -> Reference:
        """The same image's name on another registry."""
        return Reference(f"{registry.rstrip('/')}/{self.repository.rpartition('/')[2]}", self.tag)


@dataclass(frozen=True)
class Upstream:
    """Somebody else's image, pinned by the digest its registry gives it."""

    repository: str
    digest: str

    def __str__(self) -> str:
        return f"{self.repository}@sha256:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Upstream:
        found = _BY_DIGEST.fullmatch(text)
        if found is None:
            cause = "an upstream image must be pinned by digest"
            raise image_error("PLB-INPUT", text, cause, fix="Write <registry>/<repository>@sha256:<64 hex digits>.")
        # A tag beside the digest is for readers only; the digest alone decides.
        repository = re.sub(r":[^/:]+$", "", found["repository"])
        return cls(repository, found["hex"])

    @property
    def registry(self) -> str:
        host, slash, _rest = self.repository.partition("/")
        return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"


def check_name(name: str) -> str:
    """``name`` when a repository and a file can be called so."""
    if not _NAME.fullmatch(name):
        cause = "is not a valid image name"
        raise image_error("PLB-INPUT", name, cause, fix="Use lower-case letters, digits and single separators.")
    return name
