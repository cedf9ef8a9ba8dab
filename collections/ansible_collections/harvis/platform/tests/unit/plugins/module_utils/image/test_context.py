from __future__ import annotations

import os
import stat
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.context import (
    SourceFile,
    list_paths,
    pack,
    read_file,
    unpack,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.ignore import IgnoreRules

Tree = t.Callable[[dict[str, str]], Path]

WORKERS = {
    "common/utils/u.py": "u",
    "workers/__init__.py": "",
    "workers/indexer/main.py": "i",
    "workers/reteller/main.py": "r",
    "README.md": "text",
}


@pytest.mark.parametrize(
    ("include", "rules", "expected"),
    [
        ((), "", sorted(WORKERS)),
        (
            ("common", "workers/__init__.py", "workers/indexer"),
            "",
            ["common/utils/u.py", "workers/__init__.py", "workers/indexer/main.py"],
        ),
        (("common/", "./common/utils"), "", ["common/utils/u.py"]),
        ((".",), "workers", ["README.md", "common/utils/u.py"]),
        (("workers",), "**/reteller", ["workers/__init__.py", "workers/indexer/main.py"]),
        (("workers",), "workers/*\n!workers/reteller", ["workers/reteller/main.py"]),
    ],
)
def test_what_counts(tree: Tree, include: tuple[str, ...], rules: str, expected: list[str]) -> None:
    assert list_paths(tree(WORKERS), include, IgnoreRules.parse(rules)) == expected


@pytest.mark.parametrize(
    ("include", "rules", "cause"),
    [
        ("nope", "", "nope does not exist"),
        ("../secret", "", "leaves the build context"),
        ("/etc", "", "leaves the build context"),
        ("README.md", "*.md", "holds no file that .dockerignore leaves in"),
        ("workers", "workers", "holds no file that .dockerignore leaves in"),
    ],
)
def test_an_include_that_gives_nothing_is_a_finding(tree: Tree, include: str, rules: str, cause: str) -> None:
    with pytest.raises(ImageError, match=cause) as caught:
        list_paths(tree(WORKERS), [include], IgnoreRules.parse(rules))
    assert caught.value.findings[0].code == "IMG-SOURCE"


def test_a_missing_context_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="not a folder"):
        list_paths(tmp_path / "nope", (), IgnoreRules())


def test_a_file_that_vanished_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_file(tmp_path, "gone.py")


def test_links_are_kept_as_links_also_when_broken(tree: Tree) -> None:
    context = tree({"real/a": "a"})
    (context / "folder").symlink_to("real")
    (context / "broken").symlink_to("nowhere")
    (context / "absolute").symlink_to("/etc/hostname")
    paths = list_paths(context, (), IgnoreRules())
    assert paths == ["absolute", "broken", "folder", "real/a"]
    assert read_file(context, "broken") == SourceFile("broken", False, True, "nowhere")


def test_a_socket_is_left_out(tree: Tree) -> None:
    context = tree({"a": "a"})
    os.mkfifo(context / "pipe")
    assert list_paths(context, (), IgnoreRules()) == ["a"]


@pytest.fixture
def packed(tree: Tree, tmp_path: Path) -> Path:
    context = tree({"bin/run": "#!/bin/sh\n", "lib/a.py": "a", ".dockerignore": "lib\n"})
    (context / "bin/run").chmod(0o4751)
    (context / "lib/link").symlink_to("/absolute/target")
    archive = tmp_path / "sources.tar"
    files = [read_file(context, path) for path in list_paths(context, (), IgnoreRules())]
    pack(archive, context, files, "FROM scratch\n")
    return archive


def test_unpacking_gives_back_what_was_packed(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    unpack(packed, folder)
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    assert found == [
        "Dockerfile",
        "Dockerfile.dockerignore",
        "context/.dockerignore",
        "context/bin/run",
        "context/lib/a.py",
        "context/lib/link",
    ]
    assert stat.S_IMODE((folder / "context/bin/run").stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "context/lib/a.py").stat().st_mode) == 0o644
    assert (folder / "context/lib/link").readlink() == Path("/absolute/target")
    assert (folder / "Dockerfile").read_text() == "FROM scratch\n"


def test_rules_are_not_applied_a_second_time(packed: Path, tmp_path: Path) -> None:
    """BuildKit prefers the file beside the Dockerfile, unless it is empty."""
    unpack(packed, tmp_path / "unpacked")
    beside = (tmp_path / "unpacked/Dockerfile.dockerignore").read_text()
    assert beside
    assert IgnoreRules.parse(beside) == IgnoreRules()


def test_unpacked_files_are_new(packed: Path, tmp_path: Path) -> None:
    """BuildKit takes equal size and time for equal content."""
    unpack(packed, tmp_path / "unpacked")
    assert (tmp_path / "unpacked/context/lib/a.py").stat().st_mtime > packed.stat().st_mtime - 60


def test_equal_sources_make_equal_archives(tree: Tree, tmp_path: Path) -> None:
    context = tree({"a": "a"})
    for name, moment in (("one", 1), ("two", 2_000_000_000)):
        os.utime(context / "a", (moment, moment))
        pack(tmp_path / name, context, [read_file(context, "a")], "FROM scratch\n")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_that_changes_underway_is_not_packed(tree: Tree, tmp_path: Path) -> None:
    context = tree({"a": "a"})
    before = read_file(context, "a")
    (context / "a").write_text("b")
    with pytest.raises(ImageError, match="changed while its image was being prepared"):
        pack(tmp_path / "x.tar", context, [before], "FROM scratch\n")


def test_an_archive_cannot_write_outside(tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(ImageError, match="leaves the folder"):
        unpack(archive, tmp_path / "unpacked")
    assert not (tmp_path / "outside").exists()
