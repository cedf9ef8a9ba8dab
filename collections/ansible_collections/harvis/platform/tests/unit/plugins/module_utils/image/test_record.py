"""What an image was made from is remembered, and the difference to today's sources is named by file."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.record import KEPT, Records
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Prepared, Sources

FILES = {"common/broker.py": "a = 1\n", "workers/indexer.py": "b = 1\n", "run": "#!/bin/sh\n"}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def prepared(sources: Path, **spec: t.Any) -> Prepared:
    given = {"name": "vhm-indexer", "build_args": {"WORKER": "indexer"}, "base": "h/python:sha256-01", **spec}
    return Sources.from_params({"context": str(sources), "include": ["common", "workers", "run"]}).prepare(
        ImageSpec.from_params(given)
    )


def reference(found: Prepared) -> Reference:
    return Reference.of_content("harvis.local", "vhm-indexer", found.digest)


def _edit(folder: Path) -> None:
    (folder / "common/broker.py").write_text("a = 2\n")


def _grow(folder: Path) -> None:
    (folder / "common/new.py").write_text("")


def _shrink(folder: Path) -> None:
    (folder / "workers/indexer.py").unlink()
    (folder / "workers/other.py").write_text("")


def _permit(folder: Path) -> None:
    (folder / "run").chmod(0o755)


def _link(folder: Path) -> None:
    (folder / "run").unlink()
    (folder / "run").symlink_to("common/broker.py")


def _recipe(folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nUSER 1\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_edit, ["common/broker.py"]),
        (_grow, ["common/new.py (new)"]),
        (_shrink, ["workers/indexer.py (removed)", "workers/other.py (new)"]),
        (_permit, ["run"]),
        (_link, ["run"]),
        (_recipe, ["the Dockerfile"]),
    ],
)
def test_whatever_gives_a_new_tag_is_named(sources: Path, change: t.Callable[[Path], None], said: list[str]) -> None:
    before = prepared(sources)
    change(sources)
    after = prepared(sources)

    assert before.digest != after.digest
    assert before.record.changes(after.record) == said


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"build_args": {"WORKER": "reteller"}}, ["build argument WORKER"]),
        ({"build_args": {"WORKER": "indexer", "MORE": "1"}}, ["build argument MORE"]),
        ({"target": "worker"}, ["the target worker"]),
        ({"base": "h/python:sha256-02"}, ["the base (h/python:sha256-01 was used)"]),
    ],
)
def test_what_is_no_file_is_named_too(sources: Path, spec: dict[str, t.Any], said: list[str]) -> None:
    before, after = prepared(sources), prepared(sources, **spec)

    assert before.digest != after.digest
    assert before.record.changes(after.record) == said


def test_equal_sources_differ_in_nothing(sources: Path) -> None:
    first = prepared(sources)
    os.utime(sources / "run", (1, 1))

    assert first.record.changes(prepared(sources).record) == []


def test_a_build_argument_is_not_kept_in_words(sources: Path) -> None:
    assert "hunter2" not in str(prepared(sources, build_args={"TOKEN": "hunter2"}).record.to_dict())


def test_records_outlive_a_run_and_are_told_apart_by_image(sources: Path, tmp_path: Path) -> None:
    old = prepared(sources)
    records = Records.beside(tmp_path / "cache")
    records.keep(reference(old), old.record)
    records.keep(Reference.of_content("harvis.local", "vhm-indexer-extra", "f" * 64), old.record)
    _edit(sources)
    new = prepared(sources)
    records.keep(reference(new), new.record)

    assert Records.beside(tmp_path / "cache").changes(reference(new), new.record) == {
        str(reference(old)): ["common/broker.py"]
    }


def test_a_broken_record_names_nothing(sources: Path, tmp_path: Path) -> None:
    now = prepared(sources)
    records = Records(tmp_path)
    (tmp_path / f"vhm-indexer-{'0' * 16}.json").write_text('{"files": {}')

    assert records.changes(reference(now), now.record) == {}


def test_only_the_newest_are_kept(sources: Path, tmp_path: Path) -> None:
    record = prepared(sources).record
    folder = tmp_path / "kept"
    records = Records(folder)
    for number in range(KEPT + 3):
        name = Reference("harvis.local/vhm-indexer", f"sha256-{number:016x}")
        records.keep(name, record)
        os.utime(folder / f"{name.file_stem}.json", (number, number))
    records.keep(Reference("harvis.local/vhm-indexer", "sha256-ffffffffffffffff"), record)

    kept = sorted(place.name for place in folder.iterdir())
    assert len(kept) == KEPT
    assert f"vhm-indexer-{0:016x}.json" not in kept
    assert "vhm-indexer-ffffffffffffffff.json" in kept
