"""The messages on the topics. Unknown keys are ignored, so that a newer publisher does not break an older worker."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

# Qdrant reads no more than 128 levels, and ours lie within a few of its own.
_DEEPEST = 100


def _as_utc(moment: datetime) -> datetime:
    """A time without a zone counts as UTC: comparing it with one that has a zone would raise."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _not_blank(text: str) -> str:
    """Recall leaves out anchors without text, so a blank one would be stored and never seen again."""
    if not text.strip():
        raise ValueError("holds nothing but white space")
    return text


def _storable(meta: dict[str, Any]) -> dict[str, Any]:
    """What the store could not give back would be in the way of every batch and recall that comes upon it."""
    level: list[Any] = [meta]
    for _ in range(_DEEPEST):
        inside = [value for one in level for value in (one.values() if isinstance(one, dict) else one)]
        if any(isinstance(value, float) and not math.isfinite(value) for value in inside):
            raise ValueError("holds a number that is too large")
        level = [value for value in inside if isinstance(value, dict | list)]
        if not level:
            return meta
    raise ValueError(f"is nested deeper than {_DEEPEST} levels")


Moment = Annotated[datetime, AfterValidator(_as_utc)]
Text = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_not_blank)]
Meta = Annotated[dict[str, Any], AfterValidator(_storable)]


class Anchor(BaseModel):
    """A memory to keep."""

    anchor_id: UUID
    text: Text
    stored_at: Moment
    salience: float = Field(default=1.0, ge=0.3, le=2.5)
    meta: Meta = Field(default_factory=dict)


class RecallRequest(BaseModel):
    """A question to the memory."""

    request_id: str = Field(min_length=1)
    query: Text
    now: Moment
    top_k: int = Field(default=3, ge=1, le=50)
    session_id: str | None = None
    ignore_anchor_ids: list[UUID] = Field(default_factory=list)


class ResonanceBeat(BaseModel):
    """A memory that answers, with its age in words and how strongly it sounds."""

    anchor_id: UUID
    text: str
    perceived_age: str
    activation: float


class RecallResponse(BaseModel):
    """What the memory answers."""

    request_id: str = Field(min_length=1)
    beats: list[ResonanceBeat] = Field(default_factory=list)
