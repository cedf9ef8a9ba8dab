"""The limits of the messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError
from vhm_common_utils.data_models import Anchor, RecallRequest, RecallResponse, ResonanceBeat

ID = "7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a11"
ANCHOR = {"anchor_id": ID, "text": "tea", "stored_at": "2025-05-01T10:00:00Z"}
REQUEST = {"request_id": "r1", "query": "tea", "now": "2025-05-01T10:00:00+00:00"}
MOMENT = datetime(2025, 5, 1, 10, tzinfo=UTC)


def test_anchor_defaults() -> None:
    assert Anchor.model_validate(ANCHOR) == Anchor(
        anchor_id=UUID(ID), text="tea", stored_at=MOMENT, salience=1.0, meta={}
    )


def test_request_defaults() -> None:
    assert RecallRequest.model_validate(REQUEST).model_dump() == {
        "request_id": "r1",
        "query": "tea",
        "now": MOMENT,
        "top_k": 3,
        "session_id": None,
        "ignore_anchor_ids": [],
    }


def test_a_time_without_a_zone_is_utc() -> None:
    assert Anchor.model_validate(ANCHOR | {"stored_at": "2025-05-01T10:00:00"}).stored_at == MOMENT


def test_unknown_keys_are_ignored() -> None:
    assert Anchor.model_validate(ANCHOR | {"added_later": 1}) == Anchor.model_validate(ANCHOR)


ACCEPTED: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Anchor, ANCHOR | {"text": "x" * 10_000}),
    (Anchor, ANCHOR | {"salience": 0.3}),
    (Anchor, ANCHOR | {"salience": 2.5}),
    (RecallRequest, REQUEST | {"top_k": 1}),
    (RecallRequest, REQUEST | {"top_k": 50}),
]


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


ACCEPTED += [(Anchor, ANCHOR | {"meta": {"deep": nested(99), "wide": [1.5, None, "x", {"a": []}]}})]
REFUSED: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (Anchor, ANCHOR | {"anchor_id": "seven"}, "anchor_id"),
    (Anchor, ANCHOR | {"text": ""}, "text"),
    (Anchor, ANCHOR | {"text": "  \n"}, "text"),
    (Anchor, ANCHOR | {"meta": {"deep": nested(100)}}, "meta"),
    (Anchor, ANCHOR | {"meta": {"inside": [{"large": 1e999}]}}, "meta"),
    (Anchor, ANCHOR | {"text": "x" * 10_001}, "text"),
    (Anchor, ANCHOR | {"salience": 0.29}, "salience"),
    (Anchor, ANCHOR | {"salience": 2.51}, "salience"),
    (Anchor, ANCHOR | {"stored_at": "yesterday"}, "stored_at"),
    (Anchor, ANCHOR | {"meta": "none"}, "meta"),
    (RecallRequest, REQUEST | {"top_k": 0}, "top_k"),
    (RecallRequest, REQUEST | {"top_k": 51}, "top_k"),
    (RecallRequest, REQUEST | {"request_id": ""}, "request_id"),
    (RecallRequest, REQUEST | {"query": " "}, "query"),
    (RecallRequest, REQUEST | {"ignore_anchor_ids": ["seven"]}, "ignore_anchor_ids"),
]


@pytest.mark.parametrize(("model", "fields"), ACCEPTED)
def test_bounds_are_inclusive(model: type[BaseModel], fields: dict[str, Any]) -> None:
    kept = model.model_validate(fields).model_dump()
    assert all(kept[name] == fields[name] for name in ("text", "salience", "top_k") if name in fields)


@pytest.mark.parametrize(("model", "fields", "name"), REFUSED, ids=[f"{m.__name__}.{n}" for m, _, n in REFUSED])
def test_what_is_out_of_bounds_is_refused(model: type[BaseModel], fields: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    assert [fault["loc"][0] for fault in caught.value.errors()] == [name]


def test_response_as_json() -> None:
    beat = ResonanceBeat(anchor_id=UUID(ID), text="tea", perceived_age="yesterday", activation=0.5)
    assert RecallResponse(request_id="r1", beats=[beat]).model_dump(mode="json") == {
        "request_id": "r1",
        "beats": [{"anchor_id": ID, "text": "tea", "perceived_age": "yesterday", "activation": 0.5}],
    }
