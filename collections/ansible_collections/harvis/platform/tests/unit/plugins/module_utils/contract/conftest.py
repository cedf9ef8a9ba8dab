"""Sources written for one test."""

from __future__ import annotations

import textwrap
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.contract.python_reads import Reads, application_reads
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import SourceTree, folder_files


@pytest.fixture
def write(tmp_path: Path) -> t.Callable[[dict[str, str]], Path]:
    def files(texts: dict[str, str]) -> Path:
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path

    return files


@pytest.fixture
def reads_of(write: t.Callable[[dict[str, str]], Path]) -> t.Callable[..., Reads]:
    """What a program reads: one module's text, or several, the entry first."""

    def read(text: str = "", **modules: str) -> Reads:
        texts = {"main.py": text, **{f"{name.replace('__', '/')}.py": text for name, text in modules.items()}}
        return application_reads(SourceTree(folder_files(write(texts)), ("",)), ["main"])

    return read
