from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.values import (
    load_values,
    locate,
    merge,
    without_nulls,
)

MERGES: list[tuple[str, t.Any, t.Any, t.Any]] = [
    ("maps are merged", {"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
    ("lists are replaced", {"env": [1, 2]}, {"env": [3]}, {"env": [3]}),
    ("a scalar replaces a map", {"a": {"b": 1}}, {"a": 2}, {"a": 2}),
    ("a map replaces a scalar", {"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ("null stays, for helm to remove", {"a": 1}, {"a": None}, {"a": None}),
]


@pytest.mark.parametrize(("base", "over", "expected"), [m[1:] for m in MERGES], ids=[m[0] for m in MERGES])
def test_values_merge_as_helm_merges_them(base: t.Any, over: t.Any, expected: t.Any) -> None:
    assert merge(base, over) == expected


def test_the_later_source_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("a: 1\nb: {c: 1, d: 1}\ne: 1\n", encoding="utf-8")
    second.write_text("b: {c: 2}\ne: 2\n", encoding="utf-8")
    assert load_values([first, second], {"e": 3}, {"e": 4}) == {"a": 1, "b": {"c": 2, "d": 1}, "e": 4}


def test_an_empty_file_holds_no_values(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n", encoding="utf-8")
    assert load_values([tmp_path / "empty.yaml"]) == {}


def test_a_date_stays_text(tmp_path: Path) -> None:
    (tmp_path / "dated.yaml").write_text("since: 2026-01-05\n", encoding="utf-8")
    assert load_values([tmp_path / "dated.yaml"]) == {"since": "2026-01-05"}


BROKEN: list[tuple[str, str, str]] = [
    ("a key twice", "a:\n  b: 1\n  b: 2\n", r"values.yaml:3: the key 'b' is there twice"),
    ("a key twice inside a list", "a:\n  - b: 1\n    b: 2\n", r"values.yaml:3: the key 'b' is there twice"),
    ("no YAML", "a: [1\nb: 2\n", r"values.yaml:2: the values file is not YAML"),
    ("a list", "- a\n", "a values file is a mapping"),
]


@pytest.mark.parametrize(("text", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_values_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "values.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match=message):
        load_values([tmp_path / "values.yaml"])


def test_a_missing_values_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"nowhere.yaml: the values file cannot be read"):
        load_values([tmp_path / "nowhere.yaml"])


def test_null_and_absent_are_the_same_to_helm() -> None:
    assert without_nulls({"a": None, "b": {"c": None, "d": 0}, "e": False}) == {"b": {"d": 0}, "e": False}


def test_a_value_is_found_in_the_last_file_that_sets_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("image:\n  name: a\n  tag: b\n", encoding="utf-8")
    second.write_text("\nimage:\n  name: c\n", encoding="utf-8")
    files = [str(first), str(second)]
    assert locate(["image", "name"], files) == f"{second}:3"
    assert locate(["image", "tag"], files) == f"{first}:3"
    assert locate(["image", "digest"], files) == ""
