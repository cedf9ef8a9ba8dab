"""The store: a real server, seen by Qdrant's own client as well, and prepared answers where the wire matters."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import httpx
import pytest
import vhm_services as services
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams
from vhm_common_utils.data_models import Anchor
from vhm_common_utils.errors import PermanentError, TransientError
from vhm_common_utils.qdrant import Qdrant, collection_path
from vhm_common_utils.store import AnchorStore, Space, connect

ID = UUID("7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a11")
OTHER = UUID("7b0d5c1e-3a52-4a4b-9a10-0c5d0e9f1a12")


class QdrantWire:
    """Qdrant's HTTP API on a real port, with prepared answers."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Callable[[], tuple[int, object]]] = {}
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                path = self.path.partition("?")[0]
                status, result = wire.answers[(self.command, path)]()
                body = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_PATCH = _reply

            def log_message(self, *_: object) -> None:
                """Nothing: the test says what it expects."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def qdrant_wire() -> Iterator[QdrantWire]:
    wire = QdrantWire()
    threading.Thread(target=wire.server.serve_forever, args=(0.01,), daemon=True).start()
    yield wire
    wire.server.shutdown()
    wire.server.server_close()


def store_of(url: str, dimension: int = 2, model: str = "small") -> AnchorStore:
    return AnchorStore(connect(url), "anchors", lambda: Space("ollama", model, dimension))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with services.store(tmp_path_factory.mktemp("store")) as (url, _):
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """Nothing is there after a test."""
    yield server
    httpx.delete(f"{server}/collections/anchors").raise_for_status()


@pytest.fixture
def theirs(url: str) -> Iterator[QdrantClient]:
    """Qdrant's own client, which says what is really there."""
    client = QdrantClient(url=url, check_compatibility=False)
    yield client
    client.close()


def anchor(anchor_id: UUID = ID, text: str = "tea") -> Anchor:
    fields = {"anchor_id": str(anchor_id), "text": text, "stored_at": "2025-05-01T10:00:00Z", "meta": {"a": [1]}}
    return Anchor.model_validate(fields)


def test_absent_collection_is_created_with_the_embedding_s_dimension(url: str, theirs: QdrantClient) -> None:
    store = store_of(url, 5)
    assert store.preparation_cause() is None
    assert theirs.get_collection("anchors").config.params.vectors == VectorParams(size=5, distance=Distance.COSINE)
    assert store.unavailable_cause() is None


def test_collection_of_another_dimension_is_refused_and_kept(url: str, theirs: QdrantClient) -> None:
    old = store_of(url, 2)
    old.prepare()
    old.insert_many([anchor()], [[1.0, 0.0]])
    new = store_of(url, 3)
    cause = new.preparation_cause()
    assert cause is not None
    assert "has dimension 2, the configured embedding has 3" in cause
    assert new.unavailable_cause() == cause
    assert theirs.count("anchors").count == 1


def test_collection_names_the_embedding_that_wrote_it(url: str, theirs: QdrantClient) -> None:
    assert store_of(url).preparation_cause() is None
    noted = theirs.get_collection("anchors").config.metadata
    assert noted == {"embedding": {"provider": "ollama", "model": "small", "dimension": 2}}
    assert store_of(url).preparation_cause() is None


def test_another_embedding_of_the_same_dimension_is_refused_and_both_are_named(url: str) -> None:
    store_of(url).prepare()
    other = store_of(url, model="other")
    assert other.preparation_cause() == (
        "collection anchors was written by small of ollama with 2 dimensions, and this worker has other of ollama with "
        "2 dimensions: set EMBEDDING_MODEL to the model that wrote it, or QDRANT_COLLECTION to a new name"
    )
    assert other.unavailable_cause() == other.preparation_cause()


@pytest.mark.parametrize("noted", [None, "a word", {"model": "small"}], ids=str)
def test_collection_that_names_no_embedding_is_taken_over(noted: object, url: str, theirs: QdrantClient) -> None:
    vectors = VectorParams(size=2, distance=Distance.COSINE)
    theirs.create_collection("anchors", vectors_config=vectors, metadata={"embedding": noted})
    assert store_of(url).preparation_cause() is None
    assert "was written by small" in (store_of(url, model="other").preparation_cause() or "")


def test_collection_of_another_distance_is_refused(url: str, theirs: QdrantClient) -> None:
    theirs.create_collection("anchors", vectors_config=VectorParams(size=2, distance=Distance.DOT))
    with pytest.raises(PermanentError, match="has distance Dot, expected Cosine"):
        store_of(url).prepare()


def test_collection_with_named_vectors_is_refused(url: str, theirs: QdrantClient) -> None:
    vectors = {"text": VectorParams(size=2, distance=Distance.COSINE)}
    theirs.create_collection("anchors", vectors_config=vectors)
    with pytest.raises(PermanentError, match="named vectors"):
        store_of(url).prepare()


def test_anchor_comes_back_as_it_was_stored(url: str, theirs: QdrantClient) -> None:
    store = store_of(url)
    store.prepare()
    store.insert_many([anchor()], [[3.0, 4.0]])
    payload = {"text": "tea", "stored_at": "2025-05-01T10:00:00Z", "salience": 1.0, "meta": {"a": [1]}}
    assert store.find_many([ID, OTHER]) == {ID: payload}
    assert store.vectors([str(ID), str(OTHER)]) == {str(ID): pytest.approx([0.6, 0.8])}
    (hit,) = store.search([3.0, 4.0], 10)
    assert (hit.anchor_id, hit.payload, hit.similarity) == (str(ID), payload, pytest.approx(1.0))
    (point,) = theirs.retrieve("anchors", ids=[str(ID)], with_vectors=True)
    assert (point.payload, point.vector) == (payload, pytest.approx([0.6, 0.8]))


def test_search_is_ordered_and_bounded(url: str) -> None:
    store = store_of(url)
    store.prepare()
    store.insert_many([anchor(ID), anchor(OTHER)], [[1.0, 0.0], [0.0, 1.0]])
    assert [hit.anchor_id for hit in store.search([0.1, 1.0], 10)] == [str(OTHER), str(ID)]
    assert [hit.anchor_id for hit in store.search([0.1, 1.0], 1)] == [str(OTHER)]


def test_search_among_the_salient(url: str, theirs: QdrantClient) -> None:
    store = store_of(url)
    store.prepare()
    salient = Anchor.model_validate(anchor(OTHER).model_dump() | {"salience": 1.5})
    store.insert_many([anchor(ID), salient], [[1.0, 0.0], [0.0, 1.0]])
    assert [hit.anchor_id for hit in store.search([1.0, 0.1], 10, least_salience=1.5)] == [str(OTHER)]
    assert store.search([1.0, 0.1], 10, least_salience=1.51) == []
    # An older collection gets its index at the first look.
    assert list(theirs.get_collection("anchors").payload_schema) == ["salience"]
    store.prepare()


def test_deepest_meta_that_an_anchor_may_hold_is_given_back(url: str) -> None:
    deep: object = 1
    for _ in range(99):
        deep = [deep]
    store = store_of(url)
    store.prepare()
    stored = Anchor.model_validate(anchor().model_dump() | {"meta": {"deep": deep}})
    store.insert_many([stored], [[1.0, 0.0]])
    assert store.find_many([ID])[ID]["meta"] == {"deep": deep}
    assert store.search([1.0, 0.0], 1)[0].payload["meta"] == {"deep": deep}


def test_store_that_is_away_is_a_transient_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        store = store_of(f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(TransientError, match="the store does not answer"):
        store.find_many([ID])
    assert store.unavailable_cause() == "the collection has not been looked at yet"
    assert "does not answer" in (store.preparation_cause() or "")
    assert "does not answer" in (store.unavailable_cause() or "")


def test_another_worker_may_create_the_collection_first(qdrant_wire: QdrantWire) -> None:
    looks = [False, True]
    qdrant_wire.answers = {
        ("GET", "/collections/anchors/exists"): lambda: (200, {"exists": looks.pop(0)}),
        ("PUT", "/collections/anchors"): lambda: (409, None),
        ("PATCH", "/collections/anchors"): lambda: (200, True),
        ("GET", "/collections/anchors"): lambda: (200, collection_info()),
        ("PUT", "/collections/anchors/index"): lambda: (200, True),
    }
    assert store_of(qdrant_wire.url).preparation_cause() is None
    assert looks == []


def test_collection_deleted_meanwhile_is_made_again(qdrant_wire: QdrantWire) -> None:
    there = [False]

    def create() -> tuple[int, object]:
        there[0] = True
        return 200, True

    qdrant_wire.answers = {
        ("GET", "/collections/anchors/exists"): lambda: (200, {"exists": there[0]}),
        ("PUT", "/collections/anchors"): create,
        # A store that keeps no metadata.
        ("PATCH", "/collections/anchors"): lambda: (405, None),
        ("GET", "/collections/anchors"): lambda: (200, collection_info()),
        # Nor any index that was not there from the start.
        ("PUT", "/collections/anchors/index"): lambda: (403, None),
        ("POST", "/collections/anchors/points"): lambda: (200, []) if there[0] else (404, None),
    }
    assert store_of(qdrant_wire.url).find_many([ID]) == {}
    assert there == [True]


STATUSES = [(400, PermanentError), (403, PermanentError), (429, TransientError), (500, TransientError)]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_status_says_whether_to_try_again(status: int, kind: type[Exception], qdrant_wire: QdrantWire) -> None:
    qdrant_wire.answers = {("POST", "/collections/anchors/points"): lambda: (status, None)}
    with pytest.raises(kind, match=f"the store answered {status}"):
        store_of(qdrant_wire.url).find_many([ID])


SHAPES: list[object] = [None, [], "text", {"points": None}, {"points": [{}]}, {"points": [{"id": 1}]}]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_answer_of_another_shape_is_tried_again(shape: object, qdrant_wire: QdrantWire) -> None:
    qdrant_wire.answers = {("POST", "/collections/anchors/points/query"): lambda: (200, shape)}
    with pytest.raises(TransientError, match="unknown shape"):
        store_of(qdrant_wire.url).search([1.0, 0.0], 1)


PAGES = [b"<html>", b"[]", b"null", b'{"status": "ok"}', b""]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_of_something_else_is_tried_again(page: bytes) -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=page)))
    with pytest.raises(TransientError, match="none of Qdrant's"):
        Qdrant("http://store", client).get("/collections/anchors")


@pytest.mark.parametrize("url", ["qdrant:6333", "", "http://qdrant:port"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(PermanentError, match="is not an address"):
        Qdrant(url).get("/collections")


def test_name_of_a_collection_is_one_part_of_the_path() -> None:
    assert collection_path("a/b c?") == "/collections/a%2Fb%20c%3F"


def collection_info() -> dict[str, object]:
    config = {
        "params": {"vectors": {"size": 2, "distance": "Cosine"}},
        "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
        "optimizer_config": {
            "deleted_threshold": 0.2,
            "vacuum_min_vector_number": 1000,
            "default_segment_number": 0,
            "flush_interval_sec": 5,
        },
    }
    return {"status": "green", "optimizer_status": "ok", "segments_count": 1, "config": config, "payload_schema": {}}
