"""What becomes of one anchor: stored, refused with a reason, or a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError
from vhm_common_utils.data_models import Anchor
from vhm_common_utils.errors import PermanentError
from vhm_common_utils.messages import VALIDATION_FAILED, Answer, DeadLetter, Event, Outcome, describe, parse_object
from vhm_common_utils.store import to_payload

SOURCE = "anchors-write"
ANSWERS = "anchors-indexed"
IMMUTABLE = "anchor_immutable_violation"


class Anchors(Protocol):
    """What the indexer needs of the store."""

    def find(self, anchor_id: UUID) -> Mapping[str, Any] | None: ...

    def insert(self, anchor: Anchor, vector: list[float]) -> None: ...


Embed = Callable[[str], list[float]]


def handle(event: Event, store: Anchors, embed: Embed) -> Outcome:
    """A `TransientError` passes through, for the loop to try again."""
    try:
        fields = parse_object(event.value)
    except ValueError as error:
        return DeadLetter(VALIDATION_FAILED, f"the message {error}")
    try:
        anchor_id = UUID(str(fields.get("anchor_id")))
    except ValueError:
        return DeadLetter(VALIDATION_FAILED, "the message holds no readable anchor_id")
    try:
        return _store(Anchor.model_validate(fields), store, embed)
    except ValidationError as error:
        return _refused(anchor_id, VALIDATION_FAILED, describe(error))
    except PermanentError as error:
        return _refused(anchor_id, error.reason, error.detail)


def _store(anchor: Anchor, store: Anchors, embed: Embed) -> Answer:
    found = store.find(anchor.anchor_id)
    if found is None:
        store.insert(anchor, embed(anchor.text))
    elif not _is_same(found, to_payload(anchor)):
        return _refused(anchor.anchor_id, IMMUTABLE, "an anchor with this id and other contents is stored already")
    # The same anchor again is a redelivery: its first answer may never have gone out.
    return _answer(anchor.anchor_id, {"ok": True})


def _is_same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    others_equal = all(found.get(name) == wanted[name] for name in ("text", "salience", "meta"))
    return others_equal and _instant(found.get("stored_at")) == _instant(wanted["stored_at"])


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _refused(anchor_id: UUID, reason: str, detail: str) -> Answer:
    return _answer(anchor_id, {"ok": False, "reason": reason, "detail": detail})


def _answer(anchor_id: UUID, facts: Mapping[str, Any]) -> Answer:
    return Answer(ANSWERS, str(anchor_id), {"anchor_id": str(anchor_id), **facts})
