"""Files of the controller, read for another host."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.harvis.platform.plugins.filter.files import FilterModule, file_texts


def test_files_that_match_are_read_by_relative_path(tmp_path: Path) -> None:
    (tmp_path / "tools" / "deep").mkdir(parents=True)
    (tmp_path / "tools" / "go.mod").write_text("module x\n")
    (tmp_path / "tools" / "deep" / "main.go").write_text("package main\n")
    (tmp_path / "other.txt").write_text("left out\n")
    assert file_texts(str(tmp_path), ["tools/**/*"]) == {
        "tools/deep/main.go": "package main\n",
        "tools/go.mod": "module x\n",
    }


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"matches gone\.txt"):
        file_texts(str(tmp_path), ["gone.txt"])


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"file_texts": file_texts}
