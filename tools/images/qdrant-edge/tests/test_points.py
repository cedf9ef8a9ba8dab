from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

FIRST = "5746a9a0-4514-4499-afef-e69418f03379"
POINTS = [
    models.PointStruct(
        id=FIRST,
        vector=[1.0, 0.0, 0.0, 0.0],
        payload={
            "text": "a walk by the sea",
            "salience": 1.5,
            "stored_at": "2025-01-01T10:00:00Z",
            "meta": {"session": "one", "tags": ["sea", "walk"]},
        },
    ),
    models.PointStruct(
        id=2,
        vector=[1.0, 1.0, 0.0, 0.0],
        payload={
            "text": "the dog",
            "salience": 0.5,
            "stored_at": "2025-02-01T10:00:00+00:00",
            "meta": {"session": "two", "tags": ["dog"]},
        },
    ),
    models.PointStruct(
        id=3, vector=[0.0, 0.0, 0.0, 1.0], payload={"text": "something else", "salience": 2, "nothing": None}
    ),
]


@pytest.fixture
def anchors(client: QdrantClient) -> QdrantClient:
    client.create_collection("anchors", vectors_config=models.VectorParams(size=4, distance=models.Distance.COSINE))
    result = client.upsert("anchors", POINTS, wait=True)
    assert result.status == models.UpdateStatus.COMPLETED
    return client


def ids(points: list[models.ScoredPoint] | list[models.Record]) -> list[int | str]:
    return [point.id for point in points]


def test_retrieve_gives_back_what_was_stored(anchors: QdrantClient) -> None:
    found = anchors.retrieve("anchors", [FIRST, 3, 99], with_vectors=True)
    assert sorted([(str(each.id), each.vector, each.payload) for each in found]) == sorted(
        [(str(each.id), each.vector, each.payload) for each in (POINTS[0], POINTS[2])]
    )


def test_retrieve_selects_parts_of_the_payload(anchors: QdrantClient) -> None:
    assert anchors.retrieve("anchors", [2], with_payload=["text", "meta.session"])[0].payload == {
        "text": "the dog",
        "meta": {"session": "two"},
    }
    selector = models.PayloadSelectorExclude(exclude=["meta", "text", "stored_at"])
    assert anchors.retrieve("anchors", [2], with_payload=selector)[0].payload == {"salience": 0.5}
    assert anchors.retrieve("anchors", [2], with_payload=False)[0].payload is None


def test_query_sorts_by_cosine(anchors: QdrantClient) -> None:
    found = anchors.query_points("anchors", query=[2.0, 0.0, 0.0, 0.0], with_payload=True).points
    assert [(each.id, pytest.approx(each.score, abs=1e-6)) for each in found] == [(FIRST, 1.0), (2, 0.5**0.5), (3, 0.0)]
    assert found[0].payload == POINTS[0].payload
    assert found[0].vector is None


def test_query_limits_skips_and_cuts_off(anchors: QdrantClient) -> None:
    query = [1.0, 0.0, 0.0, 0.0]
    assert ids(anchors.query_points("anchors", query=query, limit=1).points) == [FIRST]
    assert ids(anchors.query_points("anchors", query=query, limit=2, offset=1).points) == [2, 3]
    assert ids(anchors.query_points("anchors", query=query, score_threshold=0.9).points) == [FIRST]


def test_query_by_a_points_id_leaves_that_point_out(anchors: QdrantClient) -> None:
    assert ids(anchors.query_points("anchors", query=FIRST).points) == [2, 3]
    only_one = models.Filter(must=[models.FieldCondition(key="text", match=models.MatchValue(value="the dog"))])
    assert ids(anchors.query_points("anchors", query=FIRST, query_filter=only_one).points) == [2]


def test_query_without_a_query_lists_by_id(anchors: QdrantClient) -> None:
    assert sorted(map(str, ids(anchors.query_points("anchors").points))) == ["2", "3", FIRST]


def field(key: str, **condition: object) -> models.FieldCondition:
    return models.FieldCondition(key=key, **condition)


SESSION_ONE = field("meta.session", match=models.MatchValue(value="one"))
NEW_YEAR = dt.datetime(2025, 1, 15, tzinfo=dt.UTC)
FILTERS = [
    pytest.param(models.Filter(must=[SESSION_ONE]), {FIRST}, id="must-match"),
    pytest.param(models.Filter(must=SESSION_ONE), {FIRST}, id="one-condition-without-list"),
    pytest.param(models.Filter(must_not=[SESSION_ONE]), {"2", "3"}, id="must-not-match"),
    pytest.param(models.Filter(must_not=[models.HasIdCondition(has_id=[FIRST, 3])]), {"2"}, id="must-not-have-id"),
    pytest.param(models.Filter(must=[models.HasIdCondition(has_id=[UUID(FIRST)])]), {FIRST}, id="has-id"),
    pytest.param(models.Filter(must_not=[models.HasIdCondition(has_id=[])]), {FIRST, "2", "3"}, id="no-ids"),
    pytest.param(
        models.Filter(must=[field("meta.tags", match=models.MatchAny(any=["dog", "sea"]))]), {FIRST, "2"}, id="any"
    ),
    pytest.param(
        models.Filter(must=[field("meta.session", match=models.MatchExcept(**{"except": ["one"]}))]),
        {"2"},
        id="except",
    ),
    pytest.param(models.Filter(must=[field("salience", range=models.Range(gte=1.0, lt=2))]), {FIRST}, id="numbers"),
    pytest.param(
        models.Filter(must=[field("stored_at", range=models.DatetimeRange(lt=NEW_YEAR))]), {FIRST}, id="moments"
    ),
    pytest.param(
        models.Filter(
            should=[SESSION_ONE, field("meta.session", match=models.MatchValue(value="two"))],
            must_not=[models.HasIdCondition(has_id=[2])],
        ),
        {FIRST},
        id="should-and-must-not",
    ),
    pytest.param(
        models.Filter(must=[models.Filter(should=[SESSION_ONE, models.HasIdCondition(has_id=[3])])]),
        {FIRST, "3"},
        id="filter-in-filter",
    ),
    pytest.param(
        models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="meta"))]), {"3"}, id="is-empty"
    ),
    pytest.param(
        models.Filter(must=[models.IsNullCondition(is_null=models.PayloadField(key="nothing"))]), {"3"}, id="is-null"
    ),
    pytest.param(
        models.Filter(must=[field("meta.tags", values_count=models.ValuesCount(gte=2))]), {FIRST}, id="values-count"
    ),
    pytest.param(
        models.Filter(
            min_should=models.MinShould(
                conditions=[SESSION_ONE, field("salience", range=models.Range(gt=1)), field("text", is_empty=True)],
                min_count=2,
            )
        ),
        {FIRST},
        id="min-should",
    ),
]


@pytest.mark.parametrize(("wanted", "expected"), FILTERS)
def test_filters_mean_the_same_for_query_scroll_and_count(
    anchors: QdrantClient, wanted: models.Filter, expected: set[str]
) -> None:
    queried = anchors.query_points("anchors", query=[1.0, 0.0, 0.0, 0.0], query_filter=wanted).points
    scrolled, _ = anchors.scroll("anchors", scroll_filter=wanted)
    assert {str(each) for each in ids(queried)} == expected
    assert {str(each) for each in ids(scrolled)} == expected
    assert anchors.count("anchors", count_filter=wanted).count == len(expected)


def test_a_condition_that_is_not_supported_is_refused(anchors: QdrantClient) -> None:
    nested = models.NestedCondition(nested=models.Nested(key="meta", filter=models.Filter(must=[SESSION_ONE])))
    with pytest.raises(UnexpectedResponse, match="a condition needs one of key") as exc:
        anchors.count("anchors", count_filter=models.Filter(must=[nested]))
    assert exc.value.status_code == 400


def test_scroll_goes_through_all_pages(anchors: QdrantClient) -> None:
    seen, offset = [], None
    for _ in range(3):
        page, offset = anchors.scroll("anchors", limit=1, offset=offset)
        seen += ids(page)
    assert offset is None
    assert sorted(map(str, seen)) == ["2", "3", FIRST]


def test_upsert_replaces_vector_and_payload(anchors: QdrantClient) -> None:
    anchors.upsert("anchors", [models.PointStruct(id=2, vector=[0.0, 0.0, 1.0, 0.0], payload={"new": True})])
    found = anchors.retrieve("anchors", [2], with_vectors=True)[0]
    assert (found.vector, found.payload) == ([0.0, 0.0, 1.0, 0.0], {"new": True})
    assert anchors.count("anchors").count == len(POINTS)


def test_upsert_as_a_batch_of_columns(anchors: QdrantClient) -> None:
    batch = models.Batch(ids=[10, 11], vectors=[[0.0, 1.0, 0.0, 0.0]] * 2, payloads=[{"n": 10}, {"n": 11}])
    anchors.upsert("anchors", batch)
    assert [each.payload for each in anchors.retrieve("anchors", [10, 11])] == [{"n": 10}, {"n": 11}]


def test_writes_need_not_be_waited_for(anchors: QdrantClient) -> None:
    result = anchors.upsert("anchors", [models.PointStruct(id=4, vector=[1.0, 0.0, 0.0, 0.0])], wait=False)
    assert result.status == models.UpdateStatus.ACKNOWLEDGED
    assert anchors.count("anchors").count == len(POINTS) + 1


def test_delete_by_ids_and_by_filter(anchors: QdrantClient) -> None:
    anchors.delete("anchors", [2, 77])
    assert anchors.count("anchors").count == 2
    anchors.delete("anchors", models.FilterSelector(filter=models.Filter(must=[SESSION_ONE])))
    assert ids(anchors.scroll("anchors")[0]) == [3]


def test_set_payload_merges(anchors: QdrantClient) -> None:
    anchors.set_payload("anchors", payload={"salience": 0.7}, points=[2])
    payload = anchors.retrieve("anchors", [2])[0].payload
    assert (payload["salience"], payload["text"]) == (0.7, "the dog")


def test_a_field_index_is_reported_and_changes_no_answer(anchors: QdrantClient) -> None:
    anchors.create_payload_index("anchors", "meta.session", models.PayloadSchemaType.KEYWORD)
    schema = anchors.get_collection("anchors").payload_schema
    assert schema["meta.session"].data_type == models.PayloadSchemaType.KEYWORD
    assert anchors.count("anchors", count_filter=models.Filter(must=[SESSION_ONE])).count == 1


def point(point_id: object, vector: object) -> models.PointStruct:
    return models.PointStruct.model_construct(id=point_id, vector=vector, payload={})


BAD_POINTS = [
    pytest.param(point(9, [1.0, 2.0]), 400, "Vector dimension error: expected dim: 4, got 2", id="dimension"),
    pytest.param(point(9, {"other": [1.0] * 4}), 400, "Not existing vector name error: other", id="vector-name"),
    pytest.param(point("not-a-uuid", [1.0] * 4), 400, "Format error in JSON body", id="id-is-no-uuid"),
    pytest.param(point(-1, [1.0] * 4), 400, "Format error in JSON body", id="id-is-negative"),
    pytest.param(point(9, ["a"] * 4), 400, "Format error in JSON body", id="vector-of-text"),
    pytest.param(point(9, None), 400, "Format error in JSON body", id="no-vector"),
]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")  # the client's, about the bad vector
@pytest.mark.parametrize(("bad", "status", "message"), BAD_POINTS)
def test_one_bad_point_stores_none_of_its_batch(
    anchors: QdrantClient, bad: models.PointStruct, status: int, message: str
) -> None:
    good = models.PointStruct(id=8, vector=[1.0, 0.0, 0.0, 0.0])
    with pytest.raises(UnexpectedResponse, match=message) as exc:
        anchors.upsert("anchors", models.PointsList.model_construct(points=[good, bad]).points)
    assert exc.value.status_code == status
    assert anchors.count("anchors").count == len(POINTS)


def test_a_query_of_another_dimension_is_refused(anchors: QdrantClient) -> None:
    with pytest.raises(UnexpectedResponse, match="expected dim: 4, got 3") as exc:
        anchors.query_points("anchors", query=[1.0, 0.0, 0.0])
    assert exc.value.status_code == 400


def test_a_limit_of_zero_is_refused(anchors: QdrantClient) -> None:
    with pytest.raises(UnexpectedResponse, match="limit") as exc:
        anchors.query_points("anchors", query=[1.0, 0.0, 0.0, 0.0], limit=0)
    assert exc.value.status_code == 422


def test_a_kind_of_query_that_is_not_supported_is_refused(anchors: QdrantClient) -> None:
    with pytest.raises(UnexpectedResponse) as exc:
        anchors.query_points("anchors", prefetch=models.Prefetch(query=[1.0] * 4), query=[1.0] * 4)
    assert exc.value.status_code == 400
    assert b"prefetch" in exc.value.content
