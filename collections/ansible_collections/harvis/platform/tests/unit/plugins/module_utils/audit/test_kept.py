"""A map is found once for the same chart, values and code."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit import kept as module
from ansible_collections.harvis.platform.plugins.module_utils.audit.kept import kept
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap, Guard
from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, RenderOptions
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner

CHART = "apiVersion: v2\nname: tiny\nversion: 0.1.0\n"
FOUND = EffectMap(
    effects={("image", "tag"): frozenset({Effect("d/Deployment/x", "/spec")}), ("list", 0): frozenset()},
    dormant={("list", 0): Guard(("on",), True, frozenset({Effect("d/Service/x", "")}))},
    breaking={("port",): "not a number"},
    not_checked=("one thing",),
    renders=9,
    seconds=1.5,
)


class Finder:
    """Counts how often somebody had to look."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> EffectMap:
        self.times += 1
        return FOUND


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    root = tmp_path / "tiny"
    (root / "templates").mkdir(parents=True)
    (root / "Chart.yaml").write_text(CHART)
    (root / "values.yaml").write_text("image: {tag: one}\nlist: [two]\n")
    (root / "templates/x.yaml").write_text("a: {{ .Values.image.tag }}\n")
    return root


@pytest.fixture
def helm(tmp_path: Path) -> Path:
    (tmp_path / "helm").write_text("a program")
    return tmp_path / "helm"


def look(chart: Path, helm: Path, folder: Path | None, find: Finder, **options: t.Any) -> EffectMap:
    renderer = Renderer(load_chart(chart), FakeRunner(), RenderOptions(str(helm), **options))
    return kept(folder, renderer, find)


def test_the_second_look_takes_what_the_first_has_found(chart: Path, helm: Path, tmp_path: Path) -> None:
    find = Finder()

    found = [look(chart, helm, tmp_path / "effects", find) for _ in range(2)]

    assert found == [FOUND, FOUND]
    assert find.times == 1
    assert (tmp_path / "effects").stat().st_mode & 0o77 == 0, "Helm's messages may hold values"


CHANGES: dict[str, t.Callable[[Path, Path, pytest.MonkeyPatch], dict[str, t.Any]]] = {
    "a template": lambda chart, _, __: {"": (chart / "templates/x.yaml").write_text("b: 1\n")},
    "a value": lambda chart, _, __: {"": (chart / "values.yaml").write_text("image: {tag: two}\nlist: [two]\n")},
    "a file that a template can read": lambda chart, _, __: {"": (chart / "notes.txt").write_text("new")},
    "helm": lambda _, helm, __: {"": helm.write_text("another program")},
    "the cluster's version": lambda *_: {"kubernetes": "v1.35.0"},
    "the code": lambda _, __, patch: {"": patch.setattr(module, "_code", lambda: [("x", b"new")])},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_decides_a_map_makes_it_new(
    change: t.Callable[..., dict[str, t.Any]],
    chart: Path,
    helm: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = Finder()
    look(chart, helm, tmp_path / "effects", find)

    options = {key: value for key, value in change(chart, helm, monkeypatch).items() if key}
    look(chart, helm, tmp_path / "effects", find, **options)

    assert find.times == 2


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"effects": [[1]]}'])
def test_a_spoilt_file_is_no_answer(content: str, chart: Path, helm: Path, tmp_path: Path) -> None:
    find = Finder()
    look(chart, helm, tmp_path / "effects", find)
    (file,) = (tmp_path / "effects").iterdir()
    file.write_text(content)

    assert look(chart, helm, tmp_path / "effects", find) == FOUND
    assert find.times == 2


def test_without_a_folder_nothing_is_kept(chart: Path, helm: Path) -> None:
    find = Finder()

    assert [look(chart, helm, None, find) for _ in range(2)] == [FOUND, FOUND]
    assert find.times == 2


def test_the_oldest_make_room(chart: Path, helm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 2)
    for version in ("v1.1.0", "v1.2.0", "v1.3.0"):
        look(chart, helm, tmp_path / "effects", Finder(), kubernetes=version)

    assert len([*(tmp_path / "effects").iterdir()]) == 2


def test_the_code_is_what_lies_in_the_package() -> None:
    code = dict(module._code())

    assert {"effects", "naive"} <= code.keys()
    assert all(code.values())
    assert dataclasses.is_dataclass(EffectMap)
