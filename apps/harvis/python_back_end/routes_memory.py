"""Memories: written, recalled and retold by the workers, deleted in the store."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Response

from python_back_end.api_models import MemoryBody, RecallBody
from python_back_end.memory_gateway import Recalled
from python_back_end.services import Injected
from python_back_end.times import utc_now
from python_back_end.wire_models import Anchor, RecallRequest

router = APIRouter()


@router.post("/api/memories", status_code=201)
async def remember(body: MemoryBody, services: Injected) -> dict[str, str]:
    session = {} if body.session_id is None else {"session": body.session_id}
    anchor = Anchor(
        anchor_id=body.anchor_id or uuid.uuid4(),
        text=body.text,
        stored_at=body.stored_at or utc_now(),
        salience=body.salience,
        meta={**body.meta, **session},
    )
    await services.gateway.remember(anchor)
    return {"anchor_id": str(anchor.anchor_id)}


@router.delete("/api/memories/{anchor_id}", status_code=204)
async def forget(anchor_id: uuid.UUID, services: Injected) -> Response:
    await services.store.delete(anchor_id)
    return Response(status_code=204)


@router.post("/api/recall")
async def recall(body: RecallBody, services: Injected) -> dict[str, Any]:
    request = RecallRequest(
        request_id=str(uuid.uuid4()),
        query=body.query,
        now=body.now or utc_now(),
        top_k=body.top_k,
        session_id=body.session_id,
    )
    return _answer(await services.gateway.recall(request, retell=body.retell))


def _answer(recalled: Recalled) -> dict[str, Any]:
    answer = recalled.answer.model_dump(mode="json")
    if recalled.retold is not None:
        answer["retelling"] = recalled.retold.retelling
        if recalled.retold.provider is not None:
            answer["provider"] = recalled.retold.provider
    if recalled.degraded is not None:
        answer["degraded"] = recalled.degraded
    return answer
