"""One collection: a shard of the storage engine, the description it was created with, and the rules of the API."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as edge

from .errors import ApiError, BadInputError, CollectionMissingError, EngineError, PointMissingError
from .filters import Filter, engine_id
from .requests import (
    CountPoints,
    CreateCollection,
    PayloadExclude,
    PayloadInclude,
    PointsSelector,
    PointStruct,
    QueryPoints,
    RetrievePoints,
    ScrollPoints,
    SetPayload,
    VectorParams,
    WithPayload,
)

_Result = TypeVar("_Result")

# The engine raises bare exceptions; these openings are the ones that the caller can do something about.
_CALLERS_FAULTS = ("Vector dimension error", "Not existing vector name", "Wrong input", "Wrong vector", "Bad request")

_FIELD_TYPES = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Bool,
    "geo": edge.PayloadSchemaType.Geo,
    "datetime": edge.PayloadSchemaType.Datetime,
    "text": edge.PayloadSchemaType.Text,
    "uuid": edge.PayloadSchemaType.Uuid,
}

DEFAULT_VECTOR = ""


class Collection:
    """Writes take turns, because an acknowledged write is flushed before the answer.

    Searches are exact: the engine's optimizer, which would build an index, holds Python's lock for seconds.
    """

    def __init__(self, name: str, description: CreateCollection, shard: edge.EdgeShard) -> None:
        self.name = name
        self.description = description
        self._shard = shard
        self._is_dropped = False
        self._has_unflushed_writes = False
        self._write_lock = threading.Lock()
        self._operation_ids = itertools.count(1)

    @staticmethod
    def create_files(folder: Path, description: CreateCollection) -> None:
        """Write an empty shard and leave it closed."""
        edge.EdgeShard.create(str(folder), _engine_config(description)).close()

    @classmethod
    def open(cls, name: str, description: CreateCollection, folder: Path) -> Collection:
        """Open a shard; the engine replays what its log holds beyond the last flush."""
        return cls(name, description, edge.EdgeShard.load(str(folder)))

    def close(self, *, dropping: bool = False) -> None:
        with self._write_lock:
            self._is_dropped = dropping
            if not dropping:
                self._shard.flush()
            self._shard.close()

    def flush(self) -> None:
        """Bring writes that nobody waited for to disk as well."""
        with self._write_lock:
            if self._has_unflushed_writes and not self._is_dropped:
                self._flush()

    def info(self) -> edge.ShardInfo:
        return self._call(self._shard.info)

    # Writes

    def upsert(self, points: list[PointStruct], *, wait: bool) -> int:
        for point in points:
            self._check_vectors(point.vector)
        rows = [edge.Point(engine_id(point.id), point.vector, point.payload or {}) for point in points]
        return self._update(edge.UpdateOperation.upsert_points(rows), wait=wait)

    def delete(self, selector: PointsSelector, *, wait: bool) -> int:
        if selector.filter is not None:
            operation = edge.UpdateOperation.delete_points_by_filter(selector.filter.to_engine())
        else:
            operation = edge.UpdateOperation.delete_points(_engine_ids(selector.points))
        return self._update(operation, wait=wait)

    def set_payload(self, request: SetPayload, *, wait: bool) -> int:
        if request.filter is not None:
            operation = edge.UpdateOperation.set_payload_by_filter(
                request.filter.to_engine(), request.payload, request.key
            )
        else:
            operation = edge.UpdateOperation.set_payload(_engine_ids(request.points), request.payload, request.key)
        return self._update(operation, wait=wait)

    def create_field_index(self, field_name: str, field_type: str, *, wait: bool) -> int:
        operation = edge.UpdateOperation.create_field_index(field_name, _FIELD_TYPES[field_type])
        return self._update(operation, wait=wait)

    def _update(self, operation: edge.UpdateOperation, *, wait: bool) -> int:
        with self._write_lock:
            self._has_unflushed_writes = True
            self._call(lambda: self._shard.update(operation))
            if wait:
                # The engine's log alone survives the death of the process; flushed data survives the machine's, too.
                self._flush()
            return next(self._operation_ids)

    def _flush(self) -> None:
        self._call(self._shard.flush)
        self._has_unflushed_writes = False

    # Reads

    def retrieve(self, request: RetrievePoints) -> list[edge.Record]:
        ids = _engine_ids(request.ids)
        with_payload = _engine_payload_selector(request.with_payload)
        return self._call(lambda: self._shard.retrieve(ids, with_payload, request.with_vector))

    def count(self, request: CountPoints) -> int:
        return self._call(lambda: self._shard.count(edge.CountRequest(request.exact, _engine_filter(request.filter))))

    def scroll(self, request: ScrollPoints) -> tuple[list[edge.Record], int | str | None]:
        engine_request = edge.ScrollRequest(
            offset=None if request.offset is None else engine_id(request.offset),
            limit=request.limit,
            filter=_engine_filter(request.filter),
            with_payload=_engine_payload_selector(request.with_payload),
            with_vector=request.with_vector,
        )
        return self._call(lambda: self._shard.scroll(engine_request))

    def query(self, request: QueryPoints) -> list[edge.ScoredPoint]:
        engine_request = edge.QueryRequest(
            limit=request.limit,
            offset=request.offset,
            query=self._engine_query(request),
            filter=_engine_filter(self._query_filter(request)),
            score_threshold=request.score_threshold,
            with_payload=_engine_payload_selector(request.with_payload),
            with_vector=request.with_vector,
            params=edge.SearchParams(exact=True),
        )
        return self._call(lambda: self._shard.query(engine_request))

    def _engine_query(self, request: QueryPoints) -> edge.Query | None:
        target = request.target()
        if target is None:
            return None
        using = request.using or DEFAULT_VECTOR
        vector = target if isinstance(target, list) else self._vector_of(target, using)
        self._check_vectors({using: vector})
        return edge.Query.Nearest(vector, request.using)

    def _query_filter(self, request: QueryPoints) -> Filter | None:
        """A point that is asked about by its id is not among its own neighbours."""
        target = request.target()
        if target is None or isinstance(target, list):
            return request.filter
        without_target = Filter.model_validate({"must_not": {"has_id": [target]}})
        if request.filter is not None:
            without_target.must = [request.filter]
        return without_target

    def _vector_of(self, point_id: Any, using: str) -> list[float]:
        records = self.retrieve(RetrievePoints(ids=[point_id], with_payload=False, with_vector=True))
        if not records:
            raise PointMissingError(point_id)
        vector = records[0].vector
        found = vector.get(using) if isinstance(vector, dict) else vector
        if found is None:
            raise BadInputError(f"Not existing vector name error: {using}")
        return found

    # Rules

    def _check_vectors(self, given: list[float] | dict[str, list[float]]) -> None:
        """Refuse before the engine sees it: it would store the points before the bad one and keep the bad one's log."""
        params = vectors_by_name(self.description)
        vectors = given if isinstance(given, dict) else {DEFAULT_VECTOR: given}
        for name, vector in vectors.items():
            if name not in params:
                raise BadInputError(f"Not existing vector name error: {name}")
            if len(vector) != params[name].size:
                raise BadInputError(f"Vector dimension error: expected dim: {params[name].size}, got {len(vector)}")

    def _call(self, action: Callable[[], _Result]) -> _Result:
        try:
            return action()
        except ApiError:
            raise
        except Exception as exc:  # the engine has no exception type of its own
            if self._is_dropped:
                raise CollectionMissingError(self.name) from exc
            message = str(exc)
            if message.startswith(_CALLERS_FAULTS):
                raise BadInputError(message) from exc
            raise EngineError(message) from exc


def vectors_by_name(description: CreateCollection) -> dict[str, VectorParams]:
    if isinstance(description.vectors, VectorParams):
        return {DEFAULT_VECTOR: description.vectors}
    return description.vectors


def _engine_config(description: CreateCollection) -> edge.EdgeConfig:
    vectors = {
        name: edge.EdgeVectorParams(
            size=params.size, distance=getattr(edge.Distance, params.distance), on_disk=params.on_disk
        )
        for name, params in vectors_by_name(description).items()
    }
    return edge.EdgeConfig(vectors=vectors, on_disk_payload=description.on_disk_payload)


def _engine_ids(point_ids: Iterable[Any]) -> list[int | str]:
    return [engine_id(point_id) for point_id in point_ids]


def _engine_filter(wanted: Filter | None) -> edge.Filter | None:
    return None if wanted is None else wanted.to_engine()


def _engine_payload_selector(wanted: WithPayload) -> Any:
    if isinstance(wanted, PayloadInclude):
        return edge.PayloadSelector.Include(wanted.include)
    if isinstance(wanted, PayloadExclude):
        return edge.PayloadSelector.Exclude(wanted.exclude)
    return wanted
