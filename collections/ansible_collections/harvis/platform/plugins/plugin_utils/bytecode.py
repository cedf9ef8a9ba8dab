"""Keeps this collection's Python compiled between runs.

Ansible's own loader of collections compiles every source at every start, which for this collection takes a second and a
half. Python's loader keeps what it compiled beside the source and compares the file's time and size, as everywhere.
"""

from __future__ import annotations

import functools
import sys
import typing as t
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class BytecodeFinder:
    """Finds what lies below ``packages``, and leaves everything else to the finders after it."""

    def __init__(self, packages: t.Sequence[str]) -> None:
        self._packages = tuple(f"{package}." for package in packages)

    def find_spec(
        self, fullname: str, path: t.Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not fullname.startswith(self._packages):
            return None
        for folder in path:
            found = _finder(folder).find_spec(fullname, target)
            # A folder without __init__.py is left to Ansible, which makes a package of it in its own way.
            if found and found.loader:
                return found
        return None


@functools.cache
def _finder(folder: str) -> FileFinder:
    """Not by way of ``sys.path_hooks``: Ansible answers there as well."""
    return FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))


def keep_bytecode(plugins: str) -> None:
    """For the modules below ``plugins`` and what they are made of; again is no harm."""
    if not any(isinstance(finder, BytecodeFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, BytecodeFinder([f"{plugins}.module_utils", f"{plugins}.modules"]))
