"""What becomes of one recall response: a retelling, by the first that can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from vhm_common_utils.data_models import RecallResponse
from vhm_common_utils.errors import ProcessingError
from vhm_common_utils.messages import VALIDATION_FAILED, Answer, DeadLetter, Event, invalid, parse_object

from workers.vhm_reteller.tellers import Teller, narrate

SOURCE = "recall-response"
ANSWERS = "retell-response"
NARRATOR = "narrator"


def handle(event: Event, tellers: Sequence[Teller]) -> Answer | DeadLetter:
    try:
        response = RecallResponse.model_validate(parse_object(event.value))
    except ValidationError as error:
        return invalid(error)
    except ValueError as error:
        return DeadLetter(VALIDATION_FAILED, f"the message {error}")
    return Answer(ANSWERS, response.request_id, {"request_id": response.request_id, **retell(response, tellers)})


def retell(response: RecallResponse, tellers: Sequence[Teller]) -> dict[str, Any]:
    """Asks one after the other; `degraded` says why the earlier ones did not answer."""
    # A model that is given nothing to retell makes something up.
    asked = tellers if response.beats else ()
    failures: list[str] = []
    for teller in asked:
        try:
            retelling = teller.tell(response.beats)
        except ProcessingError as error:
            failures.append(f"{teller.provider}: {error.detail}")
            continue
        return _told(retelling, teller.provider, teller.model, failures)
    return _told(narrate(response.beats), NARRATOR, None, failures)


def _told(retelling: str, provider: str, model: str | None, failures: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"retelling": retelling, "provider": provider}
    if model:
        told["model"] = model
    if failures:
        told["degraded"] = "; ".join(failures)
    return told
