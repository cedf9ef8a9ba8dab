"""What is acknowledged survives the process, however it ends."""

from __future__ import annotations

import threading
from itertools import count

import httpx
import pytest
from qdrant_client import models

VECTOR = [1.0, 0.0, 0.0, 0.0]
COSINE_4 = models.VectorParams(size=4, distance=models.Distance.COSINE)


@pytest.mark.parametrize("wait", [True, False], ids=["waited", "not-waited"])
def test_a_killed_server_comes_back_with_every_acknowledged_point(server, wait: bool) -> None:
    client = server.client()
    client.create_collection("anchors", vectors_config=COSINE_4)
    for number in range(50):
        client.upsert("anchors", [models.PointStruct(id=number, vector=VECTOR, payload={"n": number})], wait=wait)
    server.kill()

    server.start()
    found, _ = server.client().scroll("anchors", limit=100)
    assert [(each.id, each.payload) for each in found] == [(number, {"n": number}) for number in range(50)]


def test_a_deletion_survives_a_kill(server) -> None:
    client = server.client()
    client.create_collection("anchors", vectors_config=COSINE_4)
    client.upsert("anchors", [models.PointStruct(id=number, vector=VECTOR) for number in range(3)])
    client.delete("anchors", [1])
    server.kill()

    server.start()
    assert [each.id for each in server.client().scroll("anchors")[0]] == [0, 2]


def test_a_kill_in_the_middle_of_writing_loses_nothing_acknowledged(server) -> None:
    client = server.client()
    client.create_collection("anchors", vectors_config=COSINE_4)
    acknowledged: list[int] = []
    enough = threading.Event()

    def write_until_the_server_is_gone() -> None:
        for number in count():
            try:
                client.upsert("anchors", [models.PointStruct(id=number, vector=VECTOR)], wait=True)
            except Exception:
                return
            acknowledged.append(number)
            if number == 20:
                enough.set()

    writer = threading.Thread(target=write_until_the_server_is_gone)
    writer.start()
    assert enough.wait(timeout=30)
    server.kill()
    writer.join(timeout=30)

    server.start()
    found = {each.id for each in server.client().scroll("anchors", limit=10_000)[0]}
    assert set(acknowledged) <= found
    assert len(found) - len(acknowledged) in (0, 1)


def test_collections_survive_a_stop_with_their_description(server) -> None:
    client = server.client()
    client.create_collection("anchors", vectors_config=COSINE_4)
    client.create_collection("dropped", vectors_config=COSINE_4)
    client.upsert("anchors", [models.PointStruct(id=1, vector=VECTOR, payload={"text": "kept"})])
    client.create_payload_index("anchors", "text", models.PayloadSchemaType.KEYWORD)
    client.delete_collection("dropped")
    server.stop()

    server.start()
    client = server.client()
    assert [each.name for each in client.get_collections().collections] == ["anchors"]
    info = client.get_collection("anchors")
    assert info.config.params.vectors == COSINE_4
    assert list(info.payload_schema) == ["text"]
    assert client.query_points("anchors", query=VECTOR, with_payload=True).points[0].payload == {"text": "kept"}


def test_leftovers_of_a_creation_that_never_finished_are_removed(server, tmp_path) -> None:
    server.kill()
    leftover = tmp_path / "storage" / "unfinished" / "creating"
    (leftover / "shard").mkdir(parents=True)
    server.start()
    assert not leftover.exists()
    assert server.client().get_collections().collections == []


def test_two_servers_never_share_a_volume(server, new_server, tmp_path) -> None:
    server.client().create_collection("anchors", vectors_config=COSINE_4)
    second = new_server(tmp_path / "storage")
    with pytest.raises(AssertionError, match="WAL"):
        second.start()
    assert httpx.get(f"{server.url}/readyz").status_code == httpx.codes.OK


def test_metadata_survives_a_kill(server) -> None:
    client = server.client()
    client.create_collection("anchors", vectors_config=COSINE_4)
    client.update_collection("anchors", metadata={"written": "by a model"})
    server.kill()

    server.start()
    found = server.client().get_collection("anchors").config
    assert (found.metadata, found.params.vectors) == ({"written": "by a model"}, COSINE_4)
