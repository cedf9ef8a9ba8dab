"""The paths of the API. Plain functions: waiting for a write lock must not hold up the event loop."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import TypeAdapter, ValidationError

from . import TITLE, VERSION, replies, requests
from .collection import Collection
from .errors import BadInputError, PointMissingError
from .filters import PointId
from .replies import Started
from .store import Store

service = APIRouter()
collections = APIRouter(prefix="/collections")
points = APIRouter(prefix="/collections/{name}")

_POINT_ID = TypeAdapter(PointId)


def _store(request: Request) -> Store:
    return request.app.state.store


def _collection(name: str, store: Annotated[Store, Depends(_store)]) -> Collection:
    return store.get(name)


StoreOf = Annotated[Store, Depends(_store)]
CollectionOf = Annotated[Collection, Depends(_collection)]
Wait = Annotated[bool, Query()]


@service.get("/")
async def root() -> dict[str, str]:
    return {"title": TITLE, "version": VERSION}


@service.get("/healthz")
@service.get("/livez")
async def alive() -> PlainTextResponse:
    return PlainTextResponse("healthz check passed")


@service.get("/readyz")
async def ready() -> PlainTextResponse:
    # The port opens only after every collection is open.
    return PlainTextResponse("all shards are ready")


@collections.get("")
def list_collections(store: StoreOf, started: Started) -> JSONResponse:
    return replies.ok({"collections": [{"name": name} for name in store.names()]}, started)


@collections.get("/{name}")
def get_collection(collection: CollectionOf, started: Started) -> JSONResponse:
    return replies.ok(replies.collection_info(collection), started)


@collections.get("/{name}/exists")
def collection_exists(name: str, store: StoreOf, started: Started) -> JSONResponse:
    return replies.ok({"exists": name in store}, started)


@collections.put("/{name}")
def create_collection(name: str, body: requests.CreateCollection, store: StoreOf, started: Started) -> JSONResponse:
    store.create(name, body)
    return replies.ok(True, started)


@collections.patch("/{name}")
def update_collection(name: str, body: requests.UpdateCollection, store: StoreOf, started: Started) -> JSONResponse:
    store.describe(name, body)
    return replies.ok(True, started)


@collections.delete("/{name}")
def delete_collection(name: str, store: StoreOf, started: Started) -> JSONResponse:
    return replies.ok(store.drop(name), started)


@collections.put("/{name}/index")
def create_field_index(
    collection: CollectionOf, body: requests.CreateFieldIndex, started: Started, wait: Wait = False
) -> JSONResponse:
    operation = collection.create_field_index(body.field_name, body.field_schema, wait=wait)
    return replies.ok(replies.update_result(operation, wait=wait), started)


@points.put("/points")
def upsert_points(
    collection: CollectionOf, body: requests.UpsertPoints, started: Started, wait: Wait = False
) -> JSONResponse:
    operation = collection.upsert(body.to_points(), wait=wait)
    return replies.ok(replies.update_result(operation, wait=wait), started)


@points.post("/points/delete")
def delete_points(
    collection: CollectionOf, body: requests.PointsSelector, started: Started, wait: Wait = False
) -> JSONResponse:
    operation = collection.delete(body, wait=wait)
    return replies.ok(replies.update_result(operation, wait=wait), started)


@points.post("/points/payload")
def set_payload(
    collection: CollectionOf, body: requests.SetPayload, started: Started, wait: Wait = False
) -> JSONResponse:
    operation = collection.set_payload(body, wait=wait)
    return replies.ok(replies.update_result(operation, wait=wait), started)


@points.post("/points")
def retrieve_points(collection: CollectionOf, body: requests.RetrievePoints, started: Started) -> JSONResponse:
    return replies.ok([replies.record(found) for found in collection.retrieve(body)], started)


@points.get("/points/{point_id}")
def get_point(collection: CollectionOf, point_id: str, started: Started) -> JSONResponse:
    wanted = _point_id(point_id)
    found = collection.retrieve(requests.RetrievePoints(ids=[wanted], with_vector=True))
    if not found:
        raise PointMissingError(point_id)
    return replies.ok(replies.record(found[0]), started)


@points.post("/points/query")
def query_points(collection: CollectionOf, body: requests.QueryPoints, started: Started) -> JSONResponse:
    return replies.ok({"points": [replies.scored_point(found) for found in collection.query(body)]}, started)


@points.post("/points/search")
def search_points(collection: CollectionOf, body: requests.SearchPoints, started: Started) -> JSONResponse:
    return replies.ok([replies.scored_point(found) for found in collection.query(body.to_query())], started)


@points.post("/points/scroll")
def scroll_points(collection: CollectionOf, body: requests.ScrollPoints, started: Started) -> JSONResponse:
    found, next_page = collection.scroll(body)
    answer = {
        "points": [replies.record(each) for each in found],
        "next_page_offset": None if next_page is None else replies.point_id(next_page),
    }
    return replies.ok(answer, started)


@points.post("/points/count")
def count_points(collection: CollectionOf, body: requests.CountPoints, started: Started) -> JSONResponse:
    return replies.ok({"count": collection.count(body)}, started)


def _point_id(text: str) -> PointId:
    try:
        return _POINT_ID.validate_python(int(text) if text.isdecimal() else text)
    except ValidationError:
        raise BadInputError(f"{text!r} is neither an unsigned integer nor a UUID") from None
