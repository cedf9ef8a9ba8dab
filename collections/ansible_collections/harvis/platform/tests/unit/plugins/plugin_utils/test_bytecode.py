"""The collection's sources are found by Python's own loader, and everything else by whoever found it before."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.plugin_utils.bytecode import BytecodeFinder, keep_bytecode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.py").write_text("X = 1\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "bare").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.b.one", True), ("a.b.package", True), ("a.b.bare", False), ("a.b.gone", False), ("a.c.one", False)],
)
def test_what_lies_below_the_package_is_found_in_files(folder: Path, name: str, found: bool) -> None:
    spec = BytecodeFinder(["a.b"]).find_spec(name, [str(folder)])
    assert (spec is not None) is found
    assert spec is None or isinstance(spec.loader, SourceFileLoader)


def test_what_was_compiled_is_kept_beside_the_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    spec = BytecodeFinder(["a.b"]).find_spec("a.b.one", [str(folder)])
    assert spec
    assert spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert list((folder / "__pycache__").glob("one.*.pyc"))


def test_it_stands_first_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [object()])
    keep_bytecode("a.plugins")
    keep_bytecode("a.plugins")
    assert [type(finder) for finder in sys.meta_path] == [BytecodeFinder, object]
