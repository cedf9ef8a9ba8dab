"""``Copies``: many variants of a chart in one run of Helm.

Starting Helm costs more than rendering a small chart. So an umbrella chart is written that has the chart as its
subchart
under many aliases, and every alias gets values of its own. What templates can see of it, they see as before: the copy's
templates have the chart's name in writing, and the sources in Helm's output and messages are translated back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
import tempfile
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import (
    Changes,
    Document,
    Rendered,
    Renderer,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.transparent import write_copy
from ansible_collections.harvis.platform.plugins.module_utils.chart.written import lay_over

MOST_COPIES = 32
# For every alias Helm merges the values of all of them, so its work grows with the square of their number.
MOST_LEAVES = 6_000
# So much text in one run, about: memory stays small, and two runs are busy at the same time.
MOST_TEXT = 3 * 1024 * 1024
_UMBRELLA = "harvis-copies"
_COPY = re.compile(rf"{_UMBRELLA}/charts/copy(?P<number>\d+)")


@dataclass
class Copies:
    """Renders like a ``Renderer``. ``count`` is the number of Helm runs, ``copies`` that of the variants in them."""

    single: Renderer
    folder: Path | None
    leaves: int = 0
    copies: int = 0
    size: int = 0
    _umbrellas: dict[int, Renderer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        """Failed runs included."""
        return self.single.count + sum(each.count for each in self._umbrellas.values())

    def render(self, changes: Changes | None = None) -> Rendered:
        """One variant, by a run of its own."""
        self.copies += 1
        rendered = self.single.render(changes)
        self.size = self.size or len(rendered.text)
        return rendered

    def render_all(self, changes: t.Sequence[Changes]) -> list[Rendered]:
        """One result for each, in order."""
        if self.folder is None or len(changes) < 3:
            self.copies += len(changes)
            return self.single.render_all(changes)
        waiting = dict(enumerate(changes))
        found: dict[int, Rendered] = {}
        most = MOST_COPIES
        while waiting:
            packs = self._packs(list(waiting), most)
            # One variant that fails takes its run's others with it; where one does, more may: stake less.
            most = max(2, most // 2)
            with ThreadPoolExecutor(self.single.side_by_side) as pool:
                for results in pool.map(self._run, ({n: waiting[n] for n in pack} for pack in packs)):
                    found |= results
            waiting = {number: changes[number] for number in waiting if number not in found}
        return [found[number] for number in range(len(changes))]

    def _packs(self, numbers: list[int], most: int) -> list[list[int]]:
        """As few as the limits allow, but one for each run that can be busy."""
        most = max(1, min(most, MOST_TEXT // max(self.size, 1), MOST_LEAVES // max(self.leaves, 1)))
        side_by_side = self.single.side_by_side
        rounds = math.ceil(len(numbers) / (most * side_by_side))
        size = math.ceil(len(numbers) / (rounds * side_by_side))
        return [numbers[start : start + size] for start in range(0, len(numbers), size)]

    def _run(self, pack: dict[int, Changes]) -> dict[int, Rendered]:
        """The results that one run gives: all of them, or the one that fails; then the others have to be run again."""
        self.copies += len(pack)
        if len(pack) == 1:
            return {number: self.single.render(changes) for number, changes in pack.items()}
        numbers = list(pack)
        rendered = self._umbrella(len(pack)).render_values(json.dumps(self._values(list(pack.values()))))
        if rendered.ok:
            texts = _by_copy(rendered.documents(), self.single.chart.name)
            return {each: Rendered("", documents_of=tuple(texts.get(n, ()))) for n, each in enumerate(numbers)}
        culprit = _COPY.search(rendered.error)
        if culprit and int(culprit["number"]) < len(numbers):
            error = _COPY.sub(self.single.chart.name, rendered.error)
            return {numbers[int(culprit["number"])]: Rendered("", error)}
        return self._run({number: pack[number] for number in numbers[: len(numbers) // 2]})

    def _values(self, variants: list[Changes]) -> dict[str, t.Any]:
        chart, merged = self.single.chart, self.single.values
        return {f"copy{number}": lay_over(chart, merged, each) for number, each in enumerate(variants)}

    def _umbrella(self, size: int) -> Renderer:
        """The umbrella chart with ``size`` aliases."""
        with self._lock:
            if size not in self._umbrellas:
                root = t.cast(Path, self.folder) / f"{_UMBRELLA}-{size}"
                (root / "charts").mkdir(parents=True)
                (root / "charts" / self.single.chart.root.name).symlink_to(self.single.chart.root)
                (root / "Chart.yaml").write_text(json.dumps(_metadata(self.single.chart, size)))
                chart = dataclasses.replace(self.single.chart, root=root)
                self._umbrellas[size] = dataclasses.replace(self.single, chart=chart, count=0)
            return self._umbrellas[size]


@contextlib.contextmanager
def copies_of(renderer: Renderer, leaves: int) -> t.Iterator[Copies]:
    """A workshop for variants of a chart with so many leaves, below the folder for temporary files."""
    chart = renderer.chart
    if not chart.root.is_dir():
        yield Copies(dataclasses.replace(renderer, count=0), None, leaves)
        return
    with tempfile.TemporaryDirectory(prefix="harvis-chart-") as folder:
        place = Path(folder) / chart.root.resolve().name
        write_copy(chart, place)
        single = dataclasses.replace(renderer, chart=dataclasses.replace(chart, root=place), count=0)
        # Helm looks for tags in the top chart's values, which all copies share.
        has_tags = any(dependency.tags for each in chart.tree() for dependency in each.dependencies)
        yield Copies(single, None if has_tags else Path(folder), leaves)


def _metadata(chart: Chart, size: int) -> dict[str, t.Any]:
    name, version = str(chart.metadata.get("name")), str(chart.metadata.get("version"))
    aliases = [{"name": name, "version": version, "alias": f"copy{number}"} for number in range(size)]
    return {"apiVersion": "v2", "name": _UMBRELLA, "version": "0.0.0", "dependencies": aliases}


def _by_copy(documents: list[Document], name: str) -> dict[int, list[Document]]:
    found: dict[int, list[Document]] = {}
    for document in documents:
        match = _COPY.match(document.source)
        if match:
            source = f"{name}{document.source[match.end() :]}"
            found.setdefault(int(match["number"]), []).append(Document(source, document.text))
    return found
