"""What becomes of recall requests: each gets an answer, or is a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import ValidationError
from vhm_common_utils.data_models import RecallRequest, RecallResponse, ResonanceBeat
from vhm_common_utils.messages import VALIDATION_FAILED, Answer, DeadLetter, Event, Outcome, invalid, parse_object

from workers.vhm_resonance.recall import RecallSettings, SearchesAnchors, recall

SOURCE = "recall-request"
ANSWERS = "recall-response"

EmbedMany = Callable[[Sequence[str]], Sequence[list[float]]]


def handle(
    events: Sequence[Event], store: SearchesAnchors, embed_many: EmbedMany, settings: RecallSettings
) -> list[Outcome]:
    """One embedding for all. Errors of the store and the provider pass through: the loop tries again or parts them."""
    read = [_read(event) for event in events]
    requests = [found for found in read if isinstance(found, RecallRequest)]
    vectors = iter(embed_many([request.query for request in requests]) if requests else ())
    return [
        _answer(found, recall(found, next(vectors), store, settings)) if isinstance(found, RecallRequest) else found
        for found in read
    ]


def _read(event: Event) -> RecallRequest | DeadLetter:
    try:
        return RecallRequest.model_validate(parse_object(event.value))
    except ValidationError as error:
        return invalid(error)
    except ValueError as error:
        return DeadLetter(VALIDATION_FAILED, f"the message {error}")


def _answer(request: RecallRequest, beats: list[ResonanceBeat]) -> Answer:
    response = RecallResponse(request_id=request.request_id, beats=beats)
    return Answer(ANSWERS, request.request_id, response.model_dump(mode="json"))
