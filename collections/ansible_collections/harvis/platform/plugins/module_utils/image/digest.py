"""The content digest of a build: one number over everything that can change what comes out."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import asdict

from ansible_collections.harvis.platform.plugins.module_utils.image.context import SourceFile

# Part of every digest: a change of what is hashed, or how, must give new tags.
SCHEME = "harvis-image/1"


def content_digest(
    files: t.Iterable[SourceFile],
    dockerfile: str,
    build_args: t.Mapping[str, str],
    *,
    target: str | None = None,
    base: str | None = None,
) -> str:
    """64 hex digits.

    ``base`` is a reference whose tag stands for the base's recipe. Names, modes and contents of the files
    count; times and owners do not.
    """
    head = {"scheme": SCHEME, "dockerfile": dockerfile, "args": dict(build_args), "target": target, "base": base}
    total = hashlib.sha256(_line(head))
    for file in sorted(files, key=lambda file: file.path):
        total.update(_line(asdict(file)))
    return total.hexdigest()


def recipe_digest(recipe: t.Mapping[str, t.Any]) -> str:
    """The digest of an image that is described rather than built from files."""
    return hashlib.sha256(_line({"scheme": SCHEME, **recipe})).hexdigest()


def _line(record: t.Mapping[str, t.Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"
