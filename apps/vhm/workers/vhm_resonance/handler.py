"""What becomes of one recall request: an answer, or a dead letter."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from vhm_common_utils.data_models import RecallRequest, RecallResponse
from vhm_common_utils.messages import VALIDATION_FAILED, Answer, DeadLetter, Event, Outcome, invalid, parse_object

from workers.vhm_resonance.recall import RecallSettings, SearchesAnchors, recall

SOURCE = "recall-request"
ANSWERS = "recall-response"

Embed = Callable[[str], list[float]]


def handle(event: Event, store: SearchesAnchors, embed: Embed, settings: RecallSettings) -> Outcome:
    """Errors of the store and the provider pass through: the loop tries again or keeps the event as a dead letter."""
    try:
        request = RecallRequest.model_validate(parse_object(event.value))
    except ValidationError as error:
        return invalid(error)
    except ValueError as error:
        return DeadLetter(VALIDATION_FAILED, f"the message {error}")
    beats = recall(request, embed(request.query), store, settings)
    response = RecallResponse(request_id=request.request_id, beats=beats)
    return Answer(ANSWERS, request.request_id, response.model_dump(mode="json"))
