from __future__ import annotations

from importlib.metadata import version

import httpx
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.common.version_check import is_compatible
from qdrant_client.http.exceptions import UnexpectedResponse

COSINE_4 = models.VectorParams(size=4, distance=models.Distance.COSINE)


def refused(exc: pytest.ExceptionInfo[UnexpectedResponse]) -> tuple[int, str]:
    answer = exc.value.structured()
    return exc.value.status_code, answer["status"]["error"]


def test_it_says_that_it_is_not_qdrant(client: QdrantClient) -> None:
    info = client.info()
    assert info.title == "harvis qdrant-edge server (not Qdrant)"
    assert info.version.endswith("-harvis-qdrant-edge")


def test_the_client_finds_the_version_compatible(client: QdrantClient) -> None:
    assert is_compatible(version("qdrant-client"), client.info().version)


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health(shared_server, path: str) -> None:
    assert httpx.get(shared_server.url + path).status_code == httpx.codes.OK


def test_create_describe_list_and_delete(client: QdrantClient) -> None:
    assert not client.collection_exists("anchors")
    assert client.create_collection("anchors", vectors_config=COSINE_4)
    assert client.collection_exists("anchors")
    assert [each.name for each in client.get_collections().collections] == ["anchors"]

    found = client.get_collection("anchors")
    assert found.status == models.CollectionStatus.GREEN
    assert found.config.params.vectors == COSINE_4
    assert found.points_count == 0

    assert client.delete_collection("anchors")
    assert not client.collection_exists("anchors")
    assert client.get_collections().collections == []


def test_a_deleted_collection_comes_back_empty_and_may_have_another_dimension(client: QdrantClient) -> None:
    client.create_collection("anchors", vectors_config=COSINE_4)
    client.upsert("anchors", [models.PointStruct(id=1, vector=[1.0, 0.0, 0.0, 0.0])])
    client.delete_collection("anchors")
    client.create_collection("anchors", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    assert client.count("anchors").count == 0
    assert client.get_collection("anchors").config.params.vectors.size == 2


def test_creating_what_exists_is_a_conflict_and_keeps_the_points(client: QdrantClient) -> None:
    client.create_collection("anchors", vectors_config=COSINE_4)
    client.upsert("anchors", [models.PointStruct(id=1, vector=[1.0, 0.0, 0.0, 0.0])])
    with pytest.raises(UnexpectedResponse) as exc:
        client.create_collection("anchors", vectors_config=COSINE_4)
    assert refused(exc) == (409, "Wrong input: Collection `anchors` already exists!")
    assert client.count("anchors").count == 1


def test_deleting_what_is_not_there_is_false(client: QdrantClient) -> None:
    assert client.delete_collection("nothing") is False


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.get_collection("nothing"), id="get"),
        pytest.param(lambda client: client.count("nothing"), id="count"),
        pytest.param(lambda client: client.query_points("nothing", query=[1.0]), id="query"),
        pytest.param(
            lambda client: client.upsert("nothing", [models.PointStruct(id=1, vector=[1.0])]),
            id="upsert",
        ),
        pytest.param(lambda client: client.retrieve("nothing", [1]), id="retrieve"),
        pytest.param(lambda client: client.scroll("nothing"), id="scroll"),
        pytest.param(lambda client: client.delete("nothing", [1]), id="delete"),
    ],
)
def test_a_missing_collection_is_not_found(client: QdrantClient, ask) -> None:
    with pytest.raises(UnexpectedResponse) as exc:
        ask(client)
    assert refused(exc) == (404, "Not found: Collection `nothing` doesn't exist!")


@pytest.mark.parametrize("name", ["a<b", "a|b", "a:b", "x" * 300])
def test_bad_names_are_refused(client: QdrantClient, name: str) -> None:
    with pytest.raises(UnexpectedResponse) as exc:
        client.create_collection(name, vectors_config=COSINE_4)
    assert exc.value.status_code == 400
    assert client.get_collections().collections == []


@pytest.mark.parametrize("name", ["mémoires", "with space", "100%", "..."])
def test_odd_names_are_fine(client: QdrantClient, name: str) -> None:
    client.create_collection(name, vectors_config=COSINE_4)
    assert client.collection_exists(name)
    assert [each.name for each in client.get_collections().collections] == [name]


def test_named_vectors(client: QdrantClient) -> None:
    wanted = {
        "text": models.VectorParams(size=2, distance=models.Distance.COSINE),
        "voice": models.VectorParams(size=3, distance=models.Distance.DOT),
    }
    client.create_collection("two", vectors_config=wanted)
    assert client.get_collection("two").config.params.vectors == wanted
    client.upsert("two", [models.PointStruct(id=1, vector={"text": [0.0, 1.0], "voice": [1.0, 2.0, 3.0]})])
    found = client.query_points("two", query=[1.0, 1.0, 1.0], using="voice", with_vectors=["voice"]).points
    assert [(point.id, point.score, point.vector) for point in found] == [(1, 6.0, {"voice": [1.0, 2.0, 3.0]})]


def test_what_is_not_supported_is_refused_by_name(client: QdrantClient) -> None:
    with pytest.raises(UnexpectedResponse) as exc:
        client.create_collection(
            "sparse", vectors_config=COSINE_4, sparse_vectors_config={"words": models.SparseVectorParams()}
        )
    status, message = refused(exc)
    assert status == 400
    assert "sparse_vectors" in message
    assert not client.collection_exists("sparse")


def test_an_unknown_path_is_answered_in_the_same_shape(shared_server) -> None:
    answer = httpx.get(f"{shared_server.url}/cluster")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "does not answer this path" in answer.json()["status"]["error"]


def test_metadata_is_kept_and_added_to(client: QdrantClient) -> None:
    client.create_collection("noted", vectors_config=COSINE_4, metadata={"first": 1})
    assert client.get_collection("noted").config.metadata == {"first": 1}
    assert client.update_collection("noted", metadata={"second": {"a": "b"}})
    assert client.get_collection("noted").config.metadata == {"first": 1, "second": {"a": "b"}}


def test_collection_without_metadata_says_none(client: QdrantClient) -> None:
    client.create_collection("bare", vectors_config=COSINE_4)
    assert client.get_collection("bare").config.metadata is None


def test_metadata_of_no_collection_is_not_found(client: QdrantClient) -> None:
    with pytest.raises(UnexpectedResponse) as exc:
        client.update_collection("nowhere", metadata={"a": 1})
    assert exc.value.status_code == 404
