"""Messages of the memory topics, as the workers write and read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

ANCHORS_WRITE = "anchors-write"
ANCHORS_INDEXED = "anchors-indexed"
RECALL_REQUEST = "recall-request"
RECALL_RESPONSE = "recall-response"
RETELL_RESPONSE = "retell-response"

# Topic of an answer -> the field that says which question it answers.
ANSWER_KEYS = {ANCHORS_INDEXED: "anchor_id", RECALL_RESPONSE: "request_id", RETELL_RESPONSE: "request_id"}
TOPICS = (ANCHORS_WRITE, RECALL_REQUEST, *ANSWER_KEYS)


class Anchor(BaseModel):
    anchor_id: UUID
    text: str = Field(min_length=1, max_length=10_000)
    stored_at: datetime
    salience: float = Field(default=1.0, ge=0.3, le=2.5)
    meta: dict[str, Any] = Field(default_factory=dict)


class RecallRequest(BaseModel):
    request_id: str
    query: str
    now: datetime
    top_k: int = Field(default=3, ge=1, le=50)
    session_id: str | None = None
    ignore_anchor_ids: list[UUID] = Field(default_factory=list)


class _Answer(BaseModel):
    # The workers may add keys; an older back end goes on reading what it knows.
    model_config = ConfigDict(extra="ignore")


class IndexedAnswer(_Answer):
    anchor_id: UUID
    ok: bool
    reason: str | None = None
    detail: str | None = None


class Beat(_Answer):
    anchor_id: UUID
    text: str
    perceived_age: str
    activation: float


class RecallAnswer(_Answer):
    request_id: str
    beats: list[Beat]


class RetellAnswer(_Answer):
    request_id: str
    retelling: str
    provider: str | None = None
    degraded: str | None = None
