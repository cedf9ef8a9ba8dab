"""The envelope of Qdrant's answers, and records of the engine as JSON."""

from __future__ import annotations

import time
from typing import Annotated, Any
from uuid import UUID

import qdrant_edge as edge
from fastapi import Depends
from fastapi.responses import JSONResponse

from .collection import DEFAULT_VECTOR, Collection, vectors_by_name
from .store import FLUSH_INTERVAL_SECONDS


async def _clock() -> float:
    return time.perf_counter()


Started = Annotated[float, Depends(_clock)]


def ok(result: Any, started: float) -> JSONResponse:
    return JSONResponse({"result": result, "status": "ok", "time": time.perf_counter() - started})


def refusal(status_code: int, message: str) -> JSONResponse:
    return JSONResponse({"status": {"error": message}, "time": 0.0}, status_code=status_code)


def update_result(operation_id: int, *, wait: bool) -> dict[str, Any]:
    return {"operation_id": operation_id, "status": "completed" if wait else "acknowledged"}


def point_id(engine_id: int | str | UUID) -> int | str:
    return engine_id if isinstance(engine_id, int) else str(engine_id)


def record(found: edge.Record | edge.ScoredPoint) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": point_id(found.id)}
    if found.payload is not None:
        answer["payload"] = found.payload
    if found.vector is not None:
        answer["vector"] = found.vector
    return answer


def scored_point(found: edge.ScoredPoint) -> dict[str, Any]:
    return {**record(found), "version": found.version, "score": found.score}


def collection_info(collection: Collection) -> dict[str, Any]:
    info = collection.info()
    description = collection.description
    return {
        "status": "green",
        "optimizer_status": "ok",
        "points_count": info.points_count,
        "indexed_vectors_count": info.indexed_vectors_count,
        "segments_count": info.segments_count,
        "config": {
            "params": {
                "vectors": _vectors_config(collection),
                "shard_number": 1,
                "replication_factor": 1,
                "write_consistency_factor": 1,
                "on_disk_payload": description.on_disk_payload,
            },
            # The API's schema requires these two; searches here are exact and never build an index.
            "hnsw_config": {"m": 0, "ef_construct": 4, "full_scan_threshold": 0},
            "optimizer_config": {
                "deleted_threshold": 0.2,
                "vacuum_min_vector_number": 1000,
                "default_segment_number": 1,
                "flush_interval_sec": FLUSH_INTERVAL_SECONDS,
            },
            **({"metadata": description.metadata} if description.metadata else {}),
        },
        "payload_schema": {
            field: {"data_type": str(index.data_type).rpartition(".")[2].lower(), "points": index.points}
            for field, index in info.payload_schema.items()
        },
    }


def _vectors_config(collection: Collection) -> dict[str, Any]:
    by_name = {
        name: params.model_dump(exclude_none=True) for name, params in vectors_by_name(collection.description).items()
    }
    return by_name.get(DEFAULT_VECTOR, by_name)
