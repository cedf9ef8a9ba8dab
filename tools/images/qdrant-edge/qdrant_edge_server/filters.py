"""Filters: the JSON of Qdrant's API, checked by pydantic and turned into the engine's own conditions.

Unknown keys are refused, never passed over: a filter that silently matches more than it says would be worse than none.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import qdrant_edge as edge
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

PointId = Annotated[int, Field(strict=True, ge=0, lt=2**64)] | UUID


class ApiModel(BaseModel):
    """A JSON object of the API: a null counts as absent (clients send it freely), a key we don't know is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


def engine_id(point_id: int | UUID) -> int | str:
    return str(point_id) if isinstance(point_id, UUID) else point_id


class Match(ApiModel):
    """Exactly one of the keys says how a payload value is compared."""

    value: StrictBool | StrictInt | StrictStr | None = None
    any: list[StrictStr] | list[StrictInt] | None = None
    except_: Annotated[list[StrictStr] | list[StrictInt] | None, Field(alias="except")] = None
    text: StrictStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Match:
        given = [name for name in ("value", "any", "except_", "text") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a match needs exactly one of value, any, except, text")
        return self

    def to_engine(self) -> Any:
        if self.value is not None:
            return edge.MatchValue(self.value)
        if self.any is not None:
            return edge.MatchAny(self.any)
        if self.except_ is not None:
            return edge.MatchExcept(self.except_)
        return edge.MatchText(self.text)


class Range(ApiModel):
    """Bounds of a number or of a moment in time; the two don't mix."""

    gt: float | dt.datetime | None = None
    gte: float | dt.datetime | None = None
    lt: float | dt.datetime | None = None
    lte: float | dt.datetime | None = None

    def to_engine(self) -> Any:
        bounds = self.model_dump(exclude_none=True)
        moments = {name: bound.isoformat() for name, bound in bounds.items() if isinstance(bound, dt.datetime)}
        if moments:
            return edge.RangeDateTime(**moments)
        return edge.RangeFloat(**bounds)

    @model_validator(mode="after")
    def _one_kind(self) -> Range:
        kinds = {isinstance(bound, dt.datetime) for bound in self.model_dump(exclude_none=True).values()}
        if len(kinds) != 1:
            raise ValueError("a range needs bounds, either all numbers or all moments")
        return self


class ValuesCount(ApiModel):
    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None

    def to_engine(self) -> edge.ValuesCount:
        return edge.ValuesCount(lt=self.lt, gt=self.gt, lte=self.lte, gte=self.gte)


class FieldCondition(ApiModel):
    key: str
    match: Match | None = None
    range: Range | None = None
    values_count: ValuesCount | None = None
    is_empty: bool | None = None
    is_null: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> FieldCondition:
        if len(self.model_fields_set) < 2:
            raise ValueError("a field condition needs match, range, values_count, is_empty or is_null")
        return self

    def to_engine(self) -> edge.FieldCondition:
        return edge.FieldCondition(
            key=self.key,
            match=self.match and self.match.to_engine(),
            range=self.range and self.range.to_engine(),
            values_count=self.values_count and self.values_count.to_engine(),
            is_empty=self.is_empty,
            is_null=self.is_null,
        )


class HasIdCondition(ApiModel):
    has_id: list[PointId]

    def to_engine(self) -> edge.HasIdCondition:
        return edge.HasIdCondition({engine_id(point_id) for point_id in self.has_id})


class PayloadField(ApiModel):
    key: str


class IsEmptyCondition(ApiModel):
    is_empty: PayloadField

    def to_engine(self) -> edge.IsEmptyCondition:
        return edge.IsEmptyCondition(self.is_empty.key)


class IsNullCondition(ApiModel):
    is_null: PayloadField

    def to_engine(self) -> edge.IsNullCondition:
        return edge.IsNullCondition(self.is_null.key)


def _as_list(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


class MinShould(ApiModel):
    conditions: list[Condition]
    min_count: Annotated[int, Field(ge=0)]

    def to_engine(self) -> edge.MinShould:
        return edge.MinShould([condition.to_engine() for condition in self.conditions], self.min_count)


class Filter(ApiModel):
    """Clauses that must all hold; each may be one condition or a list of them."""

    must: Clauses = None
    should: Clauses = None
    must_not: Clauses = None
    min_should: MinShould | None = None

    def to_engine(self) -> edge.Filter:
        return edge.Filter(
            must=_to_engine(self.must),
            should=_to_engine(self.should),
            must_not=_to_engine(self.must_not),
            min_should=self.min_should and self.min_should.to_engine(),
        )


_CLAUSES = {"must", "should", "must_not", "min_should"}


def _kind(condition: Any) -> str | None:
    """Which condition an object is meant to be; without it, an error would list what is wrong with each in turn."""
    keys = set(condition) if isinstance(condition, dict) else set()
    if keys & _CLAUSES or not keys:
        return "clauses"
    return next((key for key in ("key", "has_id", "is_empty", "is_null") if key in keys), None)


Condition = Annotated[
    Annotated[FieldCondition, Tag("key")]
    | Annotated[HasIdCondition, Tag("has_id")]
    | Annotated[IsEmptyCondition, Tag("is_empty")]
    | Annotated[IsNullCondition, Tag("is_null")]
    | Annotated[Filter, Tag("clauses")],
    Discriminator(
        _kind,
        custom_error_type="unknown_condition",
        custom_error_message="a condition needs one of key, has_id, is_empty, is_null, must, should, must_not, "
        "min_should",
    ),
]
Clauses = Annotated[list[Condition] | None, BeforeValidator(_as_list)]


def _to_engine(conditions: list[Condition] | None) -> list[Any] | None:
    return None if conditions is None else [condition.to_engine() for condition in conditions]


MinShould.model_rebuild()
Filter.model_rebuild()
