"""What the back end sends is what the memory workers read."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from python_back_end.wire_models import Anchor, Beat, RecallAnswer, RecallRequest
from vhm_common_utils import data_models as workers

ID = UUID("3f2b1c9e-0f6a-4d57-9f0e-6f3f0c1d2e3a")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_indexer_reads_our_anchor() -> None:
    ours = Anchor(anchor_id=ID, text="the sea", stored_at=NOW, salience=2.0, meta={"session": "s", "note": None})
    assert workers.Anchor.model_validate_json(ours.model_dump_json()).model_dump() == ours.model_dump()


@pytest.mark.parametrize("session", [None, "s"])
def test_resonance_reads_our_question(session: str | None) -> None:
    ours = RecallRequest(request_id="r", query="sea", now=NOW, top_k=5, session_id=session, ignore_anchor_ids=[ID])
    assert workers.RecallRequest.model_validate_json(ours.model_dump_json()).model_dump() == ours.model_dump()


def test_we_read_what_resonance_answers() -> None:
    beat = workers.ResonanceBeat(anchor_id=ID, text="the sea", perceived_age="yesterday", activation=0.5)
    sent = workers.RecallResponse(request_id="r", beats=[beat]).model_dump_json()
    expected = [Beat(anchor_id=ID, text="the sea", perceived_age="yesterday", activation=0.5)]
    assert RecallAnswer.model_validate_json(sent) == RecallAnswer(request_id="r", beats=expected)
