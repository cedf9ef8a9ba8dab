"""Which images go, and that nothing else does."""

from __future__ import annotations

import datetime as dt
import json
import os
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.containerd import Containerd
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.prune import (
    ContainerdStore,
    DockerStore,
    Pruned,
    Stored,
    prune,
    superfluous,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.modules import image_prune
from ansible_collections.harvis.platform.tests.unit.fakes import run_main


def stored(name: str, *days: int) -> list[Stored]:
    """Images of one name; the tag is the day on which each was made."""
    return [Stored(Reference(name, f"d{day}"), dt.datetime(2026, 6, day, tzinfo=dt.UTC)) for day in days]


CASES: list[tuple[str, list[Stored], set[str], int, list[str]]] = [
    ("the oldest goes", stored("h/a", 1, 3, 2), set(), 2, ["h/a:d1"]),
    ("each name for itself", stored("h/a", 1, 2) + stored("h/b", 1, 2), set(), 1, ["h/a:d1", "h/b:d1"]),
    ("used ones stay and count", stored("h/a", 1, 2, 3), {"h/a:d1"}, 2, ["h/a:d2"]),
    ("more are used than are kept", stored("h/a", 1, 2, 3, 4), {"h/a:d1", "h/a:d2", "h/a:d3"}, 2, ["h/a:d4"]),
    ("others' images stay", stored("hh/a", 1, 2, 3) + stored("docker.io/h/a", 1, 2, 3), set(), 0, []),
    ("too few to lose any", stored("h/a", 1, 2), set(), 2, []),
]


@pytest.mark.parametrize(("images", "used", "kept", "gone"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_goes(images: list[Stored], used: set[str], kept: int, gone: list[str]) -> None:
    assert list(map(str, superfluous(images, "h", used, kept))) == gone


class FakeStore:
    def __init__(self, *images: Stored) -> None:
        self.images, self.removed = list(images), list[str]()
        self.refuses: dict[str, Exception] = {}

    def stored(self, _prefix: str) -> list[Stored]:
        return self.images

    def remove(self, reference: Reference) -> None:
        if str(reference) in self.refuses:
            raise self.refuses[str(reference)]
        self.removed.append(str(reference))


def test_check_mode_removes_nothing() -> None:
    store = FakeStore(*stored("h/a", 1, 2))
    assert prune(store, "h", set(), 1, check_mode=True) == Pruned(("h/a:d1",), ())
    assert store.removed == []


def test_what_a_store_does_not_let_go_is_told_and_the_others_go() -> None:
    store = FakeStore(*stored("h/a", 1, 2, 3))
    store.refuses["h/a:d1"] = image_error("IMG-DOCKER", "h/a:d1", "is in use")
    done = prune(store, "h", set(), 1, check_mode=False)
    assert (done.removed, store.removed) == (("h/a:d2",), ["h/a:d2"])
    assert "is in use" in done.refused[0]


def test_a_store_that_breaks_is_not_passed_over() -> None:
    store = FakeStore(*stored("h/a", 1, 2))
    store.refuses["h/a:d1"] = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        prune(store, "h", set(), 1, check_mode=False)


def test_a_nodes_images_are_dated_by_their_configs(runner: t.Any) -> None:
    runner.answer("images ls -q", "h/a:new\nh/a:broken\nother/x:1\n")
    runner.answer("images ls name==h/a:new", "REF TYPE DIGEST\nh/a:new application/x sha256:m\n")
    runner.answer("images ls name==h/a:broken", "REF TYPE DIGEST\n")
    runner.answer("content get sha256:m", json.dumps({"config": {"digest": "sha256:c"}}))
    runner.answer("content get sha256:c", json.dumps({"created": "2026-06-01T12:00:00.123456789Z"}))
    found = ContainerdStore(Containerd(runner, "ctr", "/c.sock")).stored("h")
    assert found == [
        Stored(Reference("h/a", "new"), dt.datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)),
        Stored(Reference("h/a", "broken"), dt.datetime.min.replace(tzinfo=dt.UTC)),
    ]


class FakeApi:
    """Docker's API as far as it is used; it filters as the daemon does."""

    def __init__(self) -> None:
        self.asked: list[t.Any] = []

    def images(self, filters: dict[str, str]) -> list[dict[str, t.Any]]:
        self.asked.append(filters)
        return [{"RepoTags": ["h/a:1", "h/a:2"], "Created": 1780315200}, {"RepoTags": None, "Created": 1}]

    def remove_image(self, name: str) -> None:
        self.asked.append(name)


def test_a_daemons_images_are_dated_by_the_daemon() -> None:
    api = FakeApi()
    store = DockerStore(api)
    made = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
    assert store.stored("h") == [Stored(Reference("h/a", "1"), made), Stored(Reference("h/a", "2"), made)]
    store.remove(Reference("h/a", "1"))
    assert api.asked == [{"reference": "h/*"}, "h/a:1"]


def test_without_a_word_on_what_is_used_nothing_goes() -> None:
    result = run_main(image_prune.main, {"used": []})
    assert result["failed"]
    assert [finding["code"] for finding in result["findings"]] == ["PLB-INPUT"]


@pytest.mark.skipif(not os.environ.get("CONTAINERD_ADDRESS"), reason="CONTAINERD_ADDRESS names no containerd")
def test_a_real_containerd_lists_its_images() -> None:
    from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

    store = ContainerdStore(Containerd(SystemRunner(), "ctr", os.environ["CONTAINERD_ADDRESS"]))
    assert all(image.made.year > 2000 for image in store.stored("harvis.local"))
