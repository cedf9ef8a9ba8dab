"""What becomes of anchors: each is stored, refused with a reason, or a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    def find_many(self, anchor_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, Any]]: ...

    def insert_many(self, anchors: Sequence[Anchor], vectors: Sequence[list[float]]) -> None: ...


EmbedMany = Callable[[Sequence[str]], Sequence[list[float]]]


def handle(events: Sequence[Event], store: Anchors, embed_many: EmbedMany) -> list[Outcome]:
    """One look, one embedding and one write for all of them. Errors of several pass through, for the loop to part."""
    read = [_read(event) for event in events]
    anchors = [found for found in read if isinstance(found, Anchor)]
    try:
        stored = iter(_store(anchors, store, embed_many) if anchors else ())
    except PermanentError as error:
        if len(anchors) > 1:
            raise
        stored = iter([_refused(anchors[0].anchor_id, error.reason, error.detail)])
    return [next(stored) if isinstance(found, Anchor) else found for found in read]


def _read(event: Event) -> Anchor | Answer | DeadLetter:
    try:
        fields = parse_object(event.value)
    except ValueError as error:
        return DeadLetter(VALIDATION_FAILED, f"the message {error}")
    try:
        anchor_id = UUID(str(fields.get("anchor_id")))
    except ValueError:
        return DeadLetter(VALIDATION_FAILED, "the message holds no readable anchor_id")
    try:
        return Anchor.model_validate(fields)
    except ValidationError as error:
        return _refused(anchor_id, VALIDATION_FAILED, describe(error))


def _store(anchors: Sequence[Anchor], store: Anchors, embed_many: EmbedMany) -> list[Answer]:
    """In the order of the events: the first of an id that is new is stored, and those after it are held against it."""
    known = dict(store.find_many(list({anchor.anchor_id: None for anchor in anchors})))
    fresh: list[Anchor] = []
    answers = []
    for anchor in anchors:
        payload = to_payload(anchor)
        if anchor.anchor_id not in known:
            known[anchor.anchor_id] = payload
            fresh.append(anchor)
        answers.append(_judge(anchor.anchor_id, known[anchor.anchor_id], payload))
    if fresh:
        store.insert_many(fresh, embed_many([anchor.text for anchor in fresh]))
    return answers


def _judge(anchor_id: UUID, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Answer:
    if not _is_same(found, wanted):
        return _refused(anchor_id, IMMUTABLE, "an anchor with this id and other contents is stored already")
    # The same anchor again is a redelivery: its first answer may never have gone out.
    return _answer(anchor_id, {"ok": True})


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
