"""The bodies that clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictFloat, StrictInt, model_validator

from .filters import ApiModel, Filter, PointId

Vector = Annotated[list[StrictFloat | StrictInt], Field(min_length=1)]
Vectors = Vector | dict[str, Vector]
Payload = dict[str, Any]

DistanceName = Literal["Cosine", "Dot", "Euclid", "Manhattan"]
FieldType = Literal["keyword", "integer", "float", "bool", "geo", "datetime", "text", "uuid"]


class VectorParams(ApiModel):
    size: Annotated[int, Field(ge=1, le=65536)]
    distance: DistanceName
    on_disk: bool | None = None


class CreateCollection(ApiModel):
    vectors: VectorParams | Annotated[dict[str, VectorParams], Field(min_length=1)]
    on_disk_payload: bool = True
    metadata: Payload | None = None


class UpdateCollection(ApiModel):
    """What of a collection can change here. Keys of the metadata that are not named stay as they are."""

    metadata: Payload


class PointStruct(ApiModel):
    id: PointId
    vector: Vectors
    payload: Payload | None = None


class PointsBatch(ApiModel):
    """The same points, by columns."""

    ids: list[PointId]
    vectors: list[Vector] | dict[str, list[Vector]]
    payloads: list[Payload | None] | None = None

    def to_points(self) -> list[PointStruct]:
        payloads = self.payloads or [None] * len(self.ids)
        rows = zip(self.ids, self._vectors_by_point(), payloads, strict=True)
        return [PointStruct(id=point_id, vector=vector, payload=payload) for point_id, vector, payload in rows]

    def _vectors_by_point(self) -> list[Vectors]:
        if isinstance(self.vectors, list):
            return list(self.vectors)
        names = list(self.vectors)
        return [dict(zip(names, row, strict=True)) for row in zip(*self.vectors.values(), strict=True)]

    @model_validator(mode="after")
    def _same_length(self) -> PointsBatch:
        columns = [self.vectors] if isinstance(self.vectors, list) else list(self.vectors.values())
        if self.payloads is not None:
            columns.append(self.payloads)
        if any(len(column) != len(self.ids) for column in columns):
            raise ValueError("ids, vectors and payloads of a batch must be of one length")
        return self


class UpsertPoints(ApiModel):
    points: list[PointStruct] | None = None
    batch: PointsBatch | None = None

    @model_validator(mode="after")
    def _one_form(self) -> UpsertPoints:
        if (self.points is None) == (self.batch is None):
            raise ValueError("an upsert needs either points or batch")
        return self

    def to_points(self) -> list[PointStruct]:
        return self.points if self.points is not None else self.batch.to_points()


class PointsSelector(ApiModel):
    """Which points an update is for: a list of ids or a filter."""

    points: list[PointId] | None = None
    filter: Filter | None = None

    @model_validator(mode="after")
    def _one_form(self) -> PointsSelector:
        if (self.points is None) == (self.filter is None):
            raise ValueError("either points or filter is needed")
        return self


class SetPayload(PointsSelector):
    payload: Payload
    key: str | None = None


class PayloadInclude(ApiModel):
    include: list[str]


class PayloadExclude(ApiModel):
    exclude: list[str]


WithPayload = bool | list[str] | PayloadInclude | PayloadExclude
WithVector = bool | list[str]


class RetrievePoints(ApiModel):
    ids: list[PointId]
    with_payload: WithPayload = True
    with_vector: WithVector = False


class SearchParams(ApiModel):
    """Accepted for the clients' sake: every search here is exact, which meets whatever these ask for."""

    hnsw_ef: int | None = None
    exact: bool = False
    indexed_only: bool = False


class NearestQuery(ApiModel):
    nearest: Vector | PointId


class QueryPoints(ApiModel):
    query: Vector | PointId | NearestQuery | None = None
    using: str | None = None
    filter: Filter | None = None
    params: SearchParams | None = None
    score_threshold: float | None = None
    limit: Annotated[int, Field(ge=1)] = 10
    offset: Annotated[int, Field(ge=0)] = 0
    with_payload: WithPayload = False
    with_vector: WithVector = False

    def target(self) -> Any:
        """The vector, or the id of the point, whose neighbours are wanted; none lists points by id."""
        return self.query.nearest if isinstance(self.query, NearestQuery) else self.query


class NamedVector(ApiModel):
    name: str
    vector: Vector


class SearchPoints(ApiModel):
    """The older form of a query, which older clients send."""

    vector: Vector | NamedVector
    filter: Filter | None = None
    params: SearchParams | None = None
    score_threshold: float | None = None
    limit: Annotated[int, Field(ge=1)]
    offset: Annotated[int, Field(ge=0)] = 0
    with_payload: WithPayload = False
    with_vector: WithVector = False

    def to_query(self) -> QueryPoints:
        named = self.vector if isinstance(self.vector, NamedVector) else None
        return QueryPoints.model_construct(
            query=named.vector if named else self.vector,
            using=named.name if named else None,
            **{name: getattr(self, name) for name in type(self).model_fields if name != "vector"},
        )


class ScrollPoints(ApiModel):
    offset: PointId | None = None
    limit: Annotated[int, Field(ge=1)] = 10
    filter: Filter | None = None
    with_payload: WithPayload = True
    with_vector: WithVector = False


class CountPoints(ApiModel):
    filter: Filter | None = None
    exact: bool = True


class CreateFieldIndex(ApiModel):
    field_name: str
    field_schema: FieldType
