"""Bodies of the HTTP API: what a request may hold. An unknown field is an error, not a silent no-op."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from python_back_end.times import as_aware


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("holds nothing but white space")
    return text


# Kept to the letter, and as long as the workers take; one without a word in it could never be recalled.
_Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_not_blank)]
_SessionId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Model = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
# A time without a zone is taken as UTC, as the workers do.
_Time = Annotated[AwareDatetime, BeforeValidator(as_aware)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChatBody(_Body):
    message: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100_000)]
    model: _Model | None = None
    session_id: _SessionId | None = None
    stream: bool = True


class PullBody(_Body):
    model: _Model


class SpeakBody(_Body):
    """`voice` is the id of a recording that was sent to /api/voices, for engines that can take on a voice."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]
    voice: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    stream: bool = False


class MemoryBody(_Body):
    """`anchor_id` lets a client whose request timed out ask again without storing the memory twice."""

    text: _Text
    anchor_id: UUID | None = None
    stored_at: _Time | None = None
    salience: float = Field(default=1.0, ge=0.3, le=2.5)
    session_id: _SessionId | None = None
    meta: dict[str, Any] = Field(default_factory=dict)


class RecallBody(_Body):
    query: _Text
    top_k: int = Field(default=3, ge=1, le=50)
    session_id: _SessionId | None = None
    now: _Time | None = None
    retell: bool = False
