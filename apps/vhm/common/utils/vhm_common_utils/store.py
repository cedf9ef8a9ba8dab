"""The anchors in Qdrant: one collection, cosine distance, point id = anchor id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from uuid import UUID

import structlog
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from qdrant_client.models import Batch, Distance, VectorParams

from vhm_common_utils.data_models import Anchor
from vhm_common_utils.errors import BusyError, PermanentError, ProcessingError, TransientError

T = TypeVar("T")

STORAGE_FAILED = "qdrant_storage_failed"
TIMEOUT_SECONDS = 5
_SPACE = "embedding"
_REMEDY = "set EMBEDDING_MODEL to the model that wrote it, or QDRANT_COLLECTION to a new name"
_NOT_FOUND = 404
_BUSY = frozenset({408, 425, 429, 503})


@dataclass(frozen=True)
class Hit:
    """A stored anchor and its similarity to a query."""

    anchor_id: str
    similarity: float
    payload: Mapping[str, Any]


def connect(url: str) -> QdrantClient:
    # The compatibility check is a call to the server, which may not be up yet, and knows only Qdrant's own versions.
    return QdrantClient(url=url, timeout=TIMEOUT_SECONDS, check_compatibility=False)


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

    def __init__(self, client: QdrantClient, collection: str, space: Callable[[], Space]) -> None:
        self._client = client
        self._collection = collection
        self._space = space
        self._wanted: Space | None = None
        self._log = structlog.get_logger("vhm.store")

    def prepare(self) -> None:
        """Create the collection where it is absent; raise where it does not fit the embedding."""
        wanted = self._wanted = self._space()
        self._create_if_absent(wanted)
        if self._check_fit(wanted) is None:
            self._record(wanted)

    def _create_if_absent(self, wanted: Space) -> None:
        if self._call(lambda: self._client.collection_exists(self._collection)):
            return
        vectors = VectorParams(size=wanted.dimension, distance=Distance.COSINE)
        try:
            self._call(lambda: self._client.create_collection(self._collection, vectors_config=vectors))
        except PermanentError:
            # Another worker may have created it since we looked; anything else shows in the next call.
            if not self._call(lambda: self._client.collection_exists(self._collection)):
                raise

    def _record(self, wanted: Space) -> None:
        """Note the space. Where two workers do it at once, each finds at its next look which of them was the last."""
        try:
            self._call(lambda: self._client.update_collection(self._collection, metadata={_SPACE: asdict(wanted)}))
        except PermanentError as error:
            # Qdrant before 1.16 keeps no metadata; the dimension is all that guards its collections.
            self._log.warning("space_not_recorded", collection=self._collection, detail=error.detail)
            return
        self._check_fit(wanted)

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
        ids: list[Any] = [str(anchor_id) for anchor_id in anchor_ids]
        points = self._in_collection(lambda: self._client.retrieve(self._collection, ids=ids, with_payload=True))
        return {UUID(str(point.id)): point.payload or {} for point in points}

    def insert_many(self, anchors: Sequence[Anchor], vectors: Sequence[list[float]]) -> None:
        """Store the anchors; on return they are durable and can be found."""
        batch = Batch(
            ids=[str(anchor.anchor_id) for anchor in anchors],
            vectors=list(vectors),
            payloads=[to_payload(anchor) for anchor in anchors],
        )
        self._in_collection(lambda: self._client.upsert(self._collection, points=batch, wait=True))

    def search(self, vector: Sequence[float], limit: int) -> list[Hit]:
        """The nearest anchors, the most similar first."""
        found = self._in_collection(
            lambda: self._client.query_points(self._collection, query=list(vector), limit=limit, with_payload=True)
        )
        return [Hit(str(point.id), point.score, point.payload or {}) for point in found.points]

    def vectors(self, anchor_ids: Iterable[str]) -> dict[str, list[float]]:
        """The vectors of those that are still stored."""
        ids: list[Any] = list(anchor_ids)
        points = self._in_collection(
            lambda: self._client.retrieve(self._collection, ids=ids, with_payload=False, with_vectors=True)
        )
        return {str(point.id): point.vector for point in points if isinstance(point.vector, list)}  # type: ignore[misc]

    def _check_fit(self, wanted: Space) -> Space | None:
        """The space that the collection names; raises where that or its form does not fit."""
        config = self._call(lambda: self._client.get_collection(self._collection)).config
        vectors = config.params.vectors
        if not isinstance(vectors, VectorParams):
            raise self._misfit("has named vectors, expected a single one")
        if vectors.size != wanted.dimension:
            raise self._misfit(
                f"has dimension {vectors.size}, the configured embedding has {wanted.dimension}: {_REMEDY}"
            )
        if vectors.distance != Distance.COSINE:
            raise self._misfit(f"has distance {vectors.distance.value}, expected Cosine")
        written = _space_in((config.metadata or {}).get(_SPACE))
        if written is not None and written != wanted:
            raise self._misfit(f"was written by {written}, and this worker has {wanted}: {_REMEDY}")
        return written

    def _misfit(self, what: str) -> PermanentError:
        return PermanentError(STORAGE_FAILED, f"collection {self._collection} {what}")

    def _in_collection(self, call: Callable[[], T]) -> T:
        """Run a call; where the collection was deleted meanwhile, make it again and repeat the call once."""
        try:
            return self._call(call)
        except _CollectionMissing:
            self.prepare()
            return self._call(call)

    def _call(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except ResponseHandlingException as error:
            raise TransientError(STORAGE_FAILED, f"the store does not answer: {error.source}") from error
        except UnexpectedResponse as error:
            raise _store_error(self._collection, error) from error
        except ApiException as error:
            raise TransientError(STORAGE_FAILED, f"{type(error).__name__}: {error}") from error


def _space_in(noted: Any) -> Space | None:
    """Something else under this key counts as no note."""
    try:
        return Space(**noted)
    except TypeError:
        return None


class _CollectionMissing(TransientError):
    """The store answered 404."""


def _store_error(collection: str, error: UnexpectedResponse) -> ProcessingError:
    status = error.status_code or 0
    excerpt = error.content[:200].decode(errors="replace")
    detail = f"the store answered {status}: {excerpt}"
    if status == _NOT_FOUND:
        return _CollectionMissing(STORAGE_FAILED, f"collection {collection} is not there: {detail}")
    if status in _BUSY:
        return BusyError(STORAGE_FAILED, detail)
    if status >= 500:
        return TransientError(STORAGE_FAILED, detail)
    return PermanentError(STORAGE_FAILED, detail)
