"""All collections of one storage folder.

    <storage>/collections/<quoted name>/collection.json   the name and the description it was created with
    <storage>/collections/<quoted name>/shard/            the engine's own files

A collection appears and disappears by one rename, so a process that dies halfway leaves no half of one behind.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from pathlib import Path
from urllib.parse import quote

from .collection import Collection
from .errors import BadInputError, CollectionExistsError, CollectionMissingError
from .requests import CreateCollection, UpdateCollection

log = logging.getLogger(__name__)

FLUSH_INTERVAL_SECONDS = 5

_FORBIDDEN_IN_NAMES = frozenset('<>:"/\\|?*\0\x1f')
_LONGEST_FOLDER_NAME = 200
_DESCRIPTION = "collection.json"
_SHARD = "shard"


class Store:
    def __init__(self, storage_path: Path) -> None:
        self._folder = storage_path / "collections"
        # Unfinished creations and deletions; a name that no quoted collection name can have.
        self._scratch = storage_path / "unfinished"
        self._lock = threading.Lock()
        self._collections: dict[str, Collection] = {}

    def open(self) -> None:
        """Open every collection on the volume."""
        self._folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        for folder in sorted(self._folder.iterdir()):
            recorded = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
            name = recorded["name"]
            described = {**recorded["description"], "metadata": recorded.get("metadata")}
            description = CreateCollection.model_validate(described)
            self._collections[name] = Collection.open(name, description, folder / _SHARD)
            log.info("opened collection %s", name)

    def close(self) -> None:
        with self._lock:
            for collection in self._collections.values():
                collection.close()
            self._collections.clear()

    def flush(self) -> None:
        for collection in list(self._collections.values()):
            collection.flush()

    def names(self) -> list[str]:
        return sorted(self._collections)

    def get(self, name: str) -> Collection:
        try:
            return self._collections[name]
        except KeyError:
            raise CollectionMissingError(name) from None

    def __contains__(self, name: str) -> bool:
        return name in self._collections

    def create(self, name: str, description: CreateCollection) -> None:
        _check_name(name)
        with self._lock:
            if name in self._collections:
                raise CollectionExistsError(name)
            folder = self._folder / _folder_name(name)
            draft = self._scratch / "creating"
            shutil.rmtree(draft, ignore_errors=True)
            (draft / _SHARD).mkdir(parents=True)
            Collection.create_files(draft / _SHARD, description)
            (draft / _DESCRIPTION).write_text(_recorded(name, description), encoding="utf-8")
            _move_durably(draft, folder)
            self._collections[name] = Collection.open(name, description, folder / _SHARD)

    def describe(self, name: str, update: UpdateCollection) -> None:
        """Add to what is noted of a collection, durably."""
        with self._lock:
            collection = self.get(name)
            noted = {**(collection.description.metadata or {}), **update.metadata}
            description = collection.description.model_copy(update={"metadata": noted})
            draft = self._scratch / _DESCRIPTION
            draft.write_text(_recorded(name, description), encoding="utf-8")
            _move_durably(draft, self._folder / _folder_name(name) / _DESCRIPTION)
            collection.description = description

    def drop(self, name: str) -> bool:
        """Delete a collection; false when there is none."""
        with self._lock:
            collection = self._collections.pop(name, None)
            if collection is None:
                return False
            collection.close(dropping=True)
            doomed = self._scratch / "dropping"
            (self._folder / _folder_name(name)).rename(doomed)
            _sync(self._folder)
            shutil.rmtree(doomed)
            return True


def _recorded(name: str, description: CreateCollection) -> str:
    # The metadata stands beside the description: an earlier server, which knows no metadata, reads this file, too.
    fields = description.model_dump(mode="json", exclude_none=True, exclude={"metadata"})
    return json.dumps({"name": name, "description": fields, "metadata": description.metadata})


def _check_name(name: str) -> None:
    if not name or _FORBIDDEN_IN_NAMES & set(name) or len(_folder_name(name)) > _LONGEST_FOLDER_NAME:
        raise BadInputError(f'collection name {name!r} is empty, too long or contains one of < > : " / \\ | ? *')


def _folder_name(name: str) -> str:
    # The prefix keeps "." and ".." from being themselves.
    return f"collection-{quote(name, safe='')}"


def _move_durably(source: Path, target: Path) -> None:
    """Rename so that after a power cut the target is either whole or not there."""
    for path in [source, *source.rglob("*")]:
        _sync(path)
    source.rename(target)
    for folder in {source.parent, target.parent}:
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
