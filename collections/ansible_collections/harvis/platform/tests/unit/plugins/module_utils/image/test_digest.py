from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.context import SourceFile
from ansible_collections.harvis.platform.plugins.module_utils.image.digest import content_digest, recipe_digest
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Sources

Change = t.Callable[[Path], object]

COUNTS: dict[str, Change] = {
    "content": lambda root: (root / "pkg/a.py").write_text("b"),
    "same size and time": lambda root: _same_size_and_time(root / "pkg/a.py"),
    "executable": lambda root: (root / "pkg/a.py").chmod(0o755),
    "name": lambda root: (root / "pkg/a.py").rename(root / "pkg/b.py"),
    "folder": lambda root: (root / "pkg").rename(root / "lib"),
    "new file": lambda root: (root / "pkg/new").write_text(""),
    "link target": lambda root: ((root / "link").unlink(), (root / "link").symlink_to("elsewhere")),
    "link becomes file": lambda root: ((root / "link").unlink(), (root / "link").write_text("pkg")),
    "dockerfile": lambda root: (root / "Dockerfile").write_text("FROM scratch\n# x\n"),
    "ignore rules": lambda root: (root / ".dockerignore").write_text("pkg\n"),
}

COUNTS_NOT: dict[str, Change] = {
    "time": lambda root: os.utime(root / "pkg/a.py", (1, 1)),
    "other mode bits": lambda root: (root / "pkg/a.py").chmod(0o600),
    "empty folder": lambda root: (root / "empty").mkdir(),
    "ignored file": lambda root: (root / "junk/more").write_text("x"),
    "written anew": lambda root: ((root / "pkg/a.py").unlink(), (root / "pkg/a.py").write_text("a")),
}


def _same_size_and_time(path: Path) -> None:
    before = path.stat()
    path.write_text("z")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def context(tree: t.Callable[[dict[str, str]], Path]) -> Path:
    root = tree({"pkg/a.py": "a", "junk/x": "x", "Dockerfile": "FROM scratch\n", ".dockerignore": "junk\n"})
    (root / "link").symlink_to("pkg")
    return root


def digest(context: Path, **entry: t.Any) -> str:
    params = {"name": "x", "context": str(context), **entry}
    return Sources.from_params(params).prepare(ImageSpec.from_params(params)).digest


@pytest.mark.parametrize("change", COUNTS.values(), ids=COUNTS.keys())
def test_what_changes_the_image_changes_the_digest(context: Path, change: Change) -> None:
    before = digest(context)
    change(context)
    assert digest(context) != before


@pytest.mark.parametrize("change", COUNTS_NOT.values(), ids=COUNTS_NOT.keys())
def test_what_differs_between_checkouts_does_not(context: Path, change: Change) -> None:
    before = digest(context)
    change(context)
    assert digest(context) == before


@pytest.mark.parametrize(
    "option",
    [
        {"build_args": {"WORKER": "b"}},
        {"build_args": {"WORKER": "a", "MORE": ""}},
        {"target": "final"},
        {"base": "harvis.local/debian:sha256-01"},
        {"include": ["pkg"]},
    ],
)
def test_options_that_count(context: Path, option: dict[str, t.Any]) -> None:
    assert digest(context, **{"build_args": {"WORKER": "a"}, **option}) != digest(context, build_args={"WORKER": "a"})


@pytest.mark.parametrize(
    "option", [{"archive": True}, {"load": True}, {"origin": "build"}, {"name": "y"}, {"include": ["."]}]
)
def test_options_that_do_not(context: Path, option: dict[str, t.Any]) -> None:
    assert digest(context, **option) == digest(context)


def test_the_order_of_build_args_and_files_does_not_count() -> None:
    a, b = SourceFile("a", False, False, "1"), SourceFile("b", True, False, "2")
    one = content_digest([a, b], "FROM x", {"A": "1", "B": "2"})
    assert one == content_digest([b, a], "FROM x", {"B": "2", "A": "1"})


def test_the_digest_stays_the_same_for_ever() -> None:
    """A change here rebuilds every image of every user: raise SCHEME and say so in the changelog."""
    files = [SourceFile("bin/run", True, False, "ab" * 32), SourceFile("link", False, True, "bin/run")]
    made = content_digest(files, "FROM scratch\n", {"WORKER": "vhm_indexer"}, target="final", base="b:sha256-0")
    assert made == "7c4d585f688915821efb676317fb85cfe62709ba0bcb6ecc584c43a2971ab1ae"
    assert (
        recipe_digest({"suite": "trixie", "packages": {"dash:amd64": "0.5.12-12"}})
        == "b456a1580015e0ef8a9a2d3b9ab9bc82b9b42f1c58cef7021d6579277c1d4539"
    )


def test_the_base_reaches_the_build_as_an_argument() -> None:
    spec = ImageSpec.from_params({"name": "x", "base": "b:sha256-0", "build_args": {"N": 3}})
    assert spec.all_build_args == {"BASE": "b:sha256-0", "N": "3"}


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({"dockerfile": "nope"}, "cannot be read"),
        ({"name": "Bad Name"}, "not a valid image name"),
        ({"origin": "pull"}, "upstream is not given"),
        ({"base": "no-tag"}, "not an image reference"),
    ],
)
def test_what_cannot_be_built_is_said_at_once(context: Path, entry: dict[str, t.Any], cause: str) -> None:
    with pytest.raises(ImageError, match=cause):
        digest(context, **entry)


def test_a_dockerfile_may_lie_outside_of_the_context(context: Path, tmp_path: Path) -> None:
    (tmp_path / "Elsewhere").write_text("FROM scratch\n")
    (context / "Dockerfile").unlink()
    assert digest(context, dockerfile=str(tmp_path / "Elsewhere")) == digest(context, dockerfile="../Elsewhere")
