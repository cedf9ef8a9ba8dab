"""What an effect map costs, beside one render for each leaf: renders, seconds, memory, and whether the answers are
equal.

    PYTHONPATH=collections python bench/audit/run.py --helm HELM [--quick] [--chart DIR …]

Without `--chart`: our charts, the pinned public ones (tools/charts), and generated ones of 150 to 5,000 leaves. Each is
mapped in a process of its own, so that the peak of memory is its own (Helm's processes are counted beside it).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import load_chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, RenderOptions
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.effects import effect_map
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.naive import naive_effect_map
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

sys.path.insert(0, str(Path(__file__).parent))
from generate import write_chart

PROJECT = Path(__file__).resolve().parents[2]
SIZES = (150, 500, 1000, 2000, 5000)
# From here on one render for each leaf takes many minutes: every so many-th leaf is compared, and the rest reckoned.
MOST_NAIVE = 600
COLUMNS = ("chart", "leaves", "renders", "seconds", "MiB", "naive renders", "naive seconds", "ratio", "equal")


def main() -> int:
    asked = _arguments()
    if asked.one:
        print(json.dumps(measure(Path(asked.one), asked.helm, asked.naive)))
        return 0
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}", flush=True)
    all_equal = True
    with tempfile.TemporaryDirectory() as folder:
        for name, chart in _charts(asked, Path(folder)):
            row = _in_its_own_process(chart, asked)
            all_equal &= row["differ"] == 0
            print(f"| {name} | {' | '.join(_cells(row))} |", flush=True)
    return 0 if all_equal else 1


def measure(root: Path, helm: str, most: int) -> dict[str, t.Any]:
    """The map of a chart, and that of one render for each leaf (or of evenly spread ones)."""
    options = RenderOptions(helm=helm, namespace="audit")
    chart = load_chart(root)
    leaves = chart.leaves()
    found = effect_map(Renderer(chart, SystemRunner(), options), leaves)
    own, helms = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    every = max(1, -(-len(leaves) // most)) if most else 0
    sample = list(leaves)[::every] if every else []
    slow = naive_effect_map(Renderer(chart, SystemRunner(), options), leaves, sample) if sample else None
    differ = sum(found.effects[path] != slow.effects[path] for path in sample) if slow else 0
    return {
        "leaves": len(leaves),
        "renders": found.renders,
        "seconds": found.seconds,
        "memory": (own + helms) / 1024,
        "compared": len(sample),
        "differ": differ,
        "naive_renders": slow.renders if slow else 0,
        "naive_seconds": slow.seconds if slow else 0.0,
    }


def _in_its_own_process(chart: Path, asked: argparse.Namespace) -> dict[str, t.Any]:
    argv = [sys.executable, __file__, "--one", str(chart), "--helm", asked.helm, "--naive", str(asked.naive)]
    return t.cast(dict[str, t.Any], json.loads(subprocess.run(argv, check=True, capture_output=True).stdout))


def _cells(row: dict[str, t.Any]) -> list[str]:
    cells = [
        str(row["leaves"]),
        str(row["renders"]),
        f"{row['seconds']:.1f}",
        f"{row['memory']:.0f}",
    ]
    compared, share = row["compared"], row["leaves"] / row["compared"] if row["compared"] else 0
    if not compared:
        return [*cells, "-", "-", "-", "not compared"]
    about = "" if share == 1 else "about "
    renders, seconds = row["naive_renders"] * share, row["naive_seconds"] * share
    equal = f"{compared - row['differ']} of {compared}"
    ratio = f"{seconds / row['seconds']:.0f}"
    return [*cells, f"{about}{renders:.0f}", f"{about}{seconds:.0f}", ratio, equal]


def _charts(asked: argparse.Namespace, folder: Path) -> t.Iterator[tuple[str, Path]]:
    if asked.chart:
        yield from ((chart.name, chart) for chart in map(Path, asked.chart))
        return
    yield from ((f"charts/{name}", PROJECT / "charts" / name) for name in ("harvis", "harvis-data"))
    fetched = subprocess.run([sys.executable, PROJECT / "tools/charts/fetch"], capture_output=True, text=True)
    if fetched.returncode:
        print(f"(no public charts: {fetched.stderr.strip()})", file=sys.stderr)
    else:
        yield from ((name, Path(place)) for name, place in json.loads(fetched.stdout).items())
    for size in SIZES[:2] if asked.quick else SIZES:
        place = folder / f"generated-{size}"
        write_chart(place, size)
        yield place.name, place


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found = os.environ.get("HELM_BIN") or shutil.which("helm") or "helm"
    parser.add_argument("--helm", default=found, help="the helm program (default: %(default)s)")
    parser.add_argument("--chart", action="append", help="a chart's folder, instead of the usual ones; can be repeated")
    parser.add_argument("--quick", action="store_true", help="leave out the larger generated charts")
    parser.add_argument(
        "--naive",
        type=int,
        default=MOST_NAIVE,
        help="compare so many leaves at most, spread evenly (default: %(default)s; 0 for none)",
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
