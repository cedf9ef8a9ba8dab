from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.storage import (
    decode_revision,
    parse_time,
    read_histories,
    read_history,
)


def test_a_record_written_by_helm_is_read(recorded: t.Any) -> None:
    found = decode_revision(recorded("helm_secret.json"))
    assert (found.name, found.number, found.status, found.chart, found.chart_version, found.app_version) == (
        "sample",
        11,
        "superseded",
        "sample",
        "0.1.0",
        "1.0",
    )
    assert found.manifest.count("# Source:") == 4
    assert "kind: Pod" in found.hooks
    assert found.updated == "2026-11-22T07:28:17.636553904Z"


def test_a_record_that_is_no_record_is_named() -> None:
    secret = {"metadata": {"name": "sh.helm.release.v1.app.v1", "namespace": "shop"}, "data": {"release": "!"}}
    with pytest.raises(ReleaseError, match=r"REL-FAILED Secret shop/sh.helm.release.v1.app.v1"):
        decode_revision(secret)


STATES: list[tuple[str, list[str], int | None, int | None, bool]] = [
    ("nothing", [], None, None, False),
    ("one deployed", ["deployed"], 1, 1, True),
    ("an upgrade failed", ["deployed", "failed"], 1, 1, True),
    ("left in the middle", ["superseded", "deployed", "pending-upgrade"], 2, 2, True),
    ("a first install left in the middle", ["pending-install"], None, None, True),
    ("only superseded ones are good", ["superseded", "failed"], None, 1, True),
    ("uninstalled, history kept", ["uninstalled"], None, None, False),
]


@pytest.mark.parametrize(
    ("states", "deployed", "good", "installed"), [s[1:] for s in STATES], ids=[s[0] for s in STATES]
)
def test_the_history_says_what_is_live(
    make: t.Any, states: list[str], deployed: int | None, good: int | None, installed: bool
) -> None:
    cluster = make.cluster(*(make.secret(n, status) for n, status in enumerate(states, start=1)))
    history = read_history(cluster, "app", "shop")
    assert [revision.status for revision in history.revisions] == states
    assert (history.deployed and history.deployed.number) == deployed
    assert (history.last_good and history.last_good.number) == good
    assert history.is_installed is installed


def test_revisions_are_ordered_by_number_and_not_by_name(make: t.Any) -> None:
    cluster = make.cluster(*(make.secret(n, "superseded") for n in (10, 9, 2)))
    assert [r.number for r in read_histories(cluster)["shop", "app"].revisions] == [2, 9, 10]


def test_nanoseconds_and_offsets_are_read() -> None:
    assert parse_time("2026-01-05T10:00:00.123456789Z") == dt.datetime(2026, 1, 5, 10, 0, 0, 123456, dt.UTC)
    assert parse_time("2026-01-05T12:00:00.5+02:00") == dt.datetime(2026, 1, 5, 10, 0, 0, 500000, dt.UTC)


def test_the_summary_holds_no_values_and_no_manifest(recorded: t.Any) -> None:
    assert set(decode_revision(recorded("helm_secret.json")).summary()) == {
        "revision",
        "status",
        "updated",
        "description",
        "chart",
        "chart_version",
        "app_version",
    }
