"""``Chart``: a chart with its subcharts and the operator's values, read without running anything."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.dependency import Dependency, read_dependencies
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.source_files import (
    SourceFiles,
    read_archive,
    read_folder,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import (
    LARGEST_FILE,
    Values,
    ValuesFile,
    decode,
    merge_maps,
    read_values,
    refuse,
)

DEEPEST_SUBCHART = 10


@dataclass(frozen=True)
class Template:
    """``source`` is what Helm calls it (``harvis/charts/sub/templates/x.yaml``), ``file`` where it lies."""

    source: str
    file: str
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart. ``at`` is where its values begin in the root chart's, ``source`` what Helm calls its folder.

    File names in it begin with the folder that ``load_chart`` was given; a file inside a packaged subchart is named as
    if the archive were a folder. ``overrides`` are the operator's files, and only the root chart has any. ``subcharts``
    holds each dependency once for every alias, enabled or not.
    """

    root: Path
    at: ValuePath
    source: str
    metadata: Values
    dependencies: tuple[Dependency, ...]
    templates: tuple[Template, ...]
    defaults: ValuesFile
    schema: str
    subcharts: tuple[Chart, ...]
    overrides: tuple[ValuesFile, ...] = ()

    @property
    def name(self) -> str:
        """The name in Chart.yaml, or the alias."""
        return self.source.rpartition("/")[2]

    @property
    def is_library(self) -> bool:
        return self.metadata.get("type") == "library"

    def tree(self) -> t.Iterator[Chart]:
        """The chart and everything below it."""
        yield self
        for sub in self.subcharts:
            yield from sub.tree()

    def all_templates(self) -> dict[str, Template]:
        """Helm's name of a template → the template, subcharts' too."""
        return {template.source: template for chart in self.tree() for template in chart.templates}

    def override_values(self) -> Values:
        """The operator's files over each other: what is handed to Helm."""
        merged: Values = {}
        for file in self.overrides:
            merged = merge_maps(merged, file.data)
        return merged

    def values(self) -> Values:
        """What templates see below ``.Values``, with every subchart switched on."""
        from ansible_collections.harvis.platform.plugins.module_utils.chart.coalesce import coalesced

        return coalesced(self, self.override_values())

    def leaves(self) -> dict[ValuePath, Leaf]:
        """Every leaf of ``values()`` that a file sets, in the order of its files."""
        from ansible_collections.harvis.platform.plugins.module_utils.chart.written import written_leaves

        return written_leaves(self)


def load_chart(root: Path, overrides: t.Sequence[Path] = ()) -> Chart:
    """The chart in a folder or a ``.tgz``. Raises HarvisError (VAL-INPUT)."""
    sources = read_folder(root) if root.is_dir() else read_archive(str(root), _content(root))
    chart = _chart(root, sources, (), "", "")
    return dataclasses.replace(chart, overrides=tuple(read_values(str(path), _content(path)) for path in overrides))


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise refuse(str(path), "is no file" if path.exists() else "does not exist")
        if path.stat().st_size > LARGEST_FILE:
            cause = f"is {path.stat().st_size / 2**20:.1f} MiB; Helm reads files of up to {LARGEST_FILE >> 20} MiB"
            raise refuse(str(path), cause)
        return path.read_bytes()
    except OSError as exc:
        raise refuse(str(path), f"cannot be read: {exc.strerror}") from exc


def _chart(root: Path, sources: SourceFiles, at: ValuePath, parent: str, alias: str) -> Chart:
    if len(at) > DEEPEST_SUBCHART:
        raise refuse(str(root), f"has subcharts more than {DEEPEST_SUBCHART} levels deep")
    if "Chart.yaml" not in sources:
        raise refuse(str(root), "is no chart: it has no Chart.yaml")
    metadata = dict(read_values(str(root / "Chart.yaml"), sources["Chart.yaml"]).data)
    if "requirements.yaml" in sources:  # charts of apiVersion v1
        metadata |= read_values(str(root / "requirements.yaml"), sources["requirements.yaml"]).data
    name = alias or str(metadata.get("name") or root.name)
    source = f"{parent}/charts/{name}" if parent else name
    dependencies = read_dependencies(metadata, at)
    templates = [(n, raw) for n, raw in sorted(sources.items()) if n.startswith("templates/")]
    schema_file = "values.schema.json"
    return Chart(
        root=root,
        at=at,
        source=source,
        metadata=metadata,
        dependencies=dependencies,
        templates=tuple(Template(f"{source}/{n}", str(root / n), decode(str(root / n), raw)) for n, raw in templates),
        defaults=read_values(str(root / "values.yaml"), sources.get("values.yaml", b"")),
        schema=decode(str(root / schema_file), sources.get(schema_file, b"")),
        subcharts=tuple(_subcharts(root, sources, at, source, dependencies)),
    )


def _subcharts(
    root: Path, sources: SourceFiles, at: ValuePath, source: str, dependencies: t.Sequence[Dependency]
) -> t.Iterator[Chart]:
    """Each chart in ``charts/``: once for each dependency that names it, or once where none does (Helm takes it
    too)."""
    for folder, files in sorted(_packed(root, sources).items()):
        place = root / "charts" / folder
        metadata = read_values(str(place / "Chart.yaml"), files.get("Chart.yaml", b"")).data
        name = str(metadata.get("name") or folder)
        named = [dependency for dependency in dependencies if dependency.name == name]
        for key in [dependency.key for dependency in named] or [name]:
            yield _chart(place, files, (*at, key), source, key)


def _packed(root: Path, sources: SourceFiles) -> dict[str, SourceFiles]:
    """The entries of ``charts/`` that are charts, by the name they have there."""
    found: dict[str, SourceFiles] = {}
    for name, raw in sources.items():
        below = name.removeprefix("charts/")
        folder, _, rest = below.partition("/")
        if below == name or folder.startswith(("_", ".")):
            continue
        if rest:
            found.setdefault(folder, {})[rest] = raw
        elif folder.endswith(".tgz"):
            found[folder] = read_archive(str(root / name), raw)
    return {folder: files for folder, files in found.items() if "Chart.yaml" in files}
