"""Events that come in and outcomes that go out: what a worker decides, free of any broker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

VALIDATION_FAILED = "validation_failed"
DEAD_LETTER_SUFFIX = ".dlq"
DEAD_LETTER_HEADERS = ("reason", "detail", "source-topic", "source-partition", "source-offset")
_DETAIL_LIMIT = 500

Headers = tuple[tuple[str, bytes | None], ...]
"""As the broker keeps them: in order, a name may come twice and a value may be absent."""


@dataclass(frozen=True)
class Event:
    """One message, as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True)
class Answer:
    """Publish this, then the event is done."""

    topic: str
    key: str
    payload: Mapping[str, Any]

    def value(self) -> bytes:
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class DeadLetter:
    """The event can't be processed: keep its bytes with the reason."""

    reason: str
    detail: str


Outcome = Answer | DeadLetter | None
"""None: the event needs no message, and is done."""


@dataclass(frozen=True)
class Outgoing:
    """Bytes for a topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def dead_letter_topic(topic: str) -> str:
    return f"{topic}{DEAD_LETTER_SUFFIX}"


def to_outgoing(event: Event, outcome: Answer | DeadLetter) -> Outgoing:
    if isinstance(outcome, Answer):
        return Outgoing(outcome.topic, outcome.key.encode(), outcome.value())
    detail = outcome.detail[:_DETAIL_LIMIT]
    texts = (outcome.reason, detail, event.topic, str(event.partition), str(event.offset))
    # Behind the event's own headers, so that a reader who takes the last of a name finds ours.
    ours = tuple((name, text.encode(errors="replace")) for name, text in zip(DEAD_LETTER_HEADERS, texts, strict=True))
    return Outgoing(dead_letter_topic(event.topic), event.key, event.value, (*event.headers, *ours))


def parse_object(value: bytes | None) -> dict[str, Any]:
    """The JSON object in a message; raises `ValueError` that says what else is in it."""
    if not value:
        raise ValueError("is empty")
    try:
        # Stricter than Python's own reader: NaN, half a surrogate pair and bytes that are no UTF-8 can't be stored, and
        # nesting beyond two hundred levels can't be read again.
        fields = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"is a JSON {type(fields).__name__}, expected an object")
    return fields


def invalid(error: ValidationError) -> DeadLetter:
    return DeadLetter(VALIDATION_FAILED, describe(error))


def describe(error: ValidationError) -> str:
    """Field and message of each fault, without the value: a refused text may be private."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'message'}: {fault['msg']}" for fault in faults)[
        :_DETAIL_LIMIT
    ]
