"""The anchors in Qdrant: one collection, cosine distance, point id = anchor id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from uuid import UUID

import structlog

from vhm_common_utils.data_models import Anchor
from vhm_common_utils.errors import PermanentError, ProcessingError, TransientError
from vhm_common_utils.qdrant import STORAGE_FAILED, NotFoundError, Qdrant, collection_path

T = TypeVar("T")

_SPACE = "embedding"
_REMEDY = "set EMBEDDING_MODEL to the model that wrote it, or QDRANT_COLLECTION to a new name"
_COSINE = "Cosine"
_SALIENCE = "salience"


@dataclass(frozen=True)
class Hit:
    """A stored anchor and its similarity to a query."""

    anchor_id: str
    similarity: float
    payload: Mapping[str, Any]


def connect(url: str) -> Qdrant:
    """Opens no connection yet: the server may not be up."""
    return Qdrant(url)


def to_payload(anchor: Anchor) -> dict[str, Any]:
    fields = anchor.model_dump(mode="json")
    return {name: fields[name] for name in ("text", "stored_at", "salience", "meta")}


@dataclass(frozen=True)
class Space:
    """Which embedding made the vectors: those of two models can't be compared, even where their length is the same."""

    provider: str
    model: str
    dimension: int

    def __str__(self) -> str:
        return f"{self.model} of {self.provider} with {self.dimension} dimensions"


class AnchorStore:
    """The collection, and every call to it. It is created where it is absent and never recreated.

    The collection's metadata names the space that it was written in; the first worker that finds none writes its own.
    """

    def __init__(self, client: Qdrant, collection: str, space: Callable[[], Space]) -> None:
        self._client = client
        self._collection = collection
        self._path = collection_path(collection)
        self._space = space
        self._wanted: Space | None = None
        self._log = structlog.get_logger("vhm.store")

    def prepare(self) -> None:
        """Create the collection where it is absent; raise where it does not fit the embedding."""
        wanted = self._wanted = self._space()
        self._create_if_absent(wanted)
        if self._check_fit(wanted) is None:
            self._record(wanted)
        self._index_salience()

    def _create_if_absent(self, wanted: Space) -> None:
        if self._exists():
            return
        vectors = {"size": wanted.dimension, "distance": _COSINE}
        try:
            self._client.put(self._path, {"vectors": vectors})
        except PermanentError:
            # Another worker may have created it since we looked; anything else shows in the next call.
            if not self._exists():
                raise

    def _exists(self) -> bool:
        return bool(_read(lambda: self._client.get(f"{self._path}/exists")["exists"]))

    def _record(self, wanted: Space) -> None:
        """Note the space. Where two workers do it at once, each finds at its next look which of them was the last."""
        try:
            self._client.patch(self._path, {"metadata": {_SPACE: asdict(wanted)}})
        except PermanentError as error:
            # Qdrant before 1.16 keeps no metadata; the dimension is all that guards its collections.
            self._log.warning("space_not_recorded", collection=self._collection, detail=error.detail)
            return
        self._check_fit(wanted)

    def _index_salience(self) -> None:
        """Without it a search among the salient is as right, and reads the payload of every anchor."""
        schema = _read(lambda: self._client.get(self._path).get("payload_schema")) or {}
        if _SALIENCE in schema:
            return
        try:
            wanted = {"field_name": _SALIENCE, "field_schema": "float"}
            self._client.put(f"{self._path}/index?wait=true", wanted)
        except PermanentError as error:
            self._log.warning("salience_not_indexed", collection=self._collection, detail=error.detail)

    def preparation_cause(self) -> str | None:
        """Prepare, and say what stands in the way."""
        try:
            self.prepare()
        except ProcessingError as error:
            return error.detail
        return None

    def unavailable_cause(self) -> str | None:
        """What is missing, without changing anything and without asking the provider for its dimension."""
        if self._wanted is None:
            return "the collection has not been looked at yet"
        try:
            self._check_fit(self._wanted)
        except ProcessingError as error:
            return error.detail
        return None

    def find_many(self, anchor_ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
        """The payloads of those that are stored."""
        body = {"ids": [str(anchor_id) for anchor_id in anchor_ids], "with_payload": True}
        points = self._in_collection(lambda: self._client.post(f"{self._path}/points", body))
        return _read(lambda: {UUID(str(point["id"])): point.get("payload") or {} for point in points})

    def insert_many(self, anchors: Sequence[Anchor], vectors: Sequence[list[float]]) -> None:
        """Store the anchors; on return they are durable and can be found."""
        columns = {
            "ids": [str(anchor.anchor_id) for anchor in anchors],
            "vectors": vectors,
            "payloads": [to_payload(anchor) for anchor in anchors],
        }
        self._in_collection(lambda: self._client.put(f"{self._path}/points?wait=true", {"batch": columns}))

    def search(self, vector: Sequence[float], limit: int, *, least_salience: float | None = None) -> list[Hit]:
        """The nearest anchors, or the nearest that are so salient, the most similar first."""
        body: dict[str, Any] = {"query": vector, "limit": limit, "with_payload": True}
        if least_salience is not None:
            body["filter"] = {"must": [{"key": _SALIENCE, "range": {"gte": least_salience}}]}
        found = self._in_collection(lambda: self._client.post(f"{self._path}/points/query", body))
        return _read(
            lambda: [Hit(str(point["id"]), point["score"], point.get("payload") or {}) for point in found["points"]]
        )

    def vectors(self, anchor_ids: Iterable[str]) -> dict[str, list[float]]:
        """The vectors of those that are still stored."""
        body = {"ids": list(anchor_ids), "with_payload": False, "with_vector": True}
        points = self._in_collection(lambda: self._client.post(f"{self._path}/points", body))
        return _read(
            lambda: {str(point["id"]): point["vector"] for point in points if isinstance(point.get("vector"), list)}
        )

    def _check_fit(self, wanted: Space) -> Space | None:
        """The space that the collection names; raises where that or its form does not fit."""
        config = _read(lambda: self._client.get(self._path)["config"])
        vectors = _read(lambda: config["params"]["vectors"])
        if not isinstance(vectors, dict) or "size" not in vectors:
            raise self._misfit("has named vectors, expected a single one")
        if vectors["size"] != wanted.dimension:
            raise self._misfit(
                f"has dimension {vectors['size']}, the configured embedding has {wanted.dimension}: {_REMEDY}"
            )
        if vectors.get("distance") != _COSINE:
            raise self._misfit(f"has distance {vectors.get('distance')}, expected {_COSINE}")
        written = _space_in((config.get("metadata") or {}).get(_SPACE))
        if written is not None and written != wanted:
            raise self._misfit(f"was written by {written}, and this worker has {wanted}: {_REMEDY}")
        return written

    def _misfit(self, what: str) -> PermanentError:
        return PermanentError(STORAGE_FAILED, f"collection {self._collection} {what}")

    def _in_collection(self, call: Callable[[], T]) -> T:
        """Run a call; where the collection was deleted meanwhile, make it again and repeat the call once."""
        try:
            return call()
        except NotFoundError:
            self.prepare()
            return call()


def _read(take: Callable[[], T]) -> T:
    """What `take` finds in an answer; where it has another form than Qdrant's, somebody else may have given it."""
    try:
        return take()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        detail = f"the store's answer has an unknown shape ({type(error).__name__}: {error})"
        raise TransientError(STORAGE_FAILED, detail) from error


def _space_in(noted: Any) -> Space | None:
    """Something else under this key counts as no note."""
    try:
        return Space(**noted)
    except TypeError:
        return None
