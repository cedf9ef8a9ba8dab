"""How long one look at a host's GPUs takes, beside other programs that look.

Each run is a process of its own, as Ansible makes one for each task. *main()* is the look and its answer, *module* adds
the imports of this collection's code, *process* is all that a task waits for on the host, with the interpreter and
Ansible's own library, which every module loads (a row without the module shows those); *CPU* is what of it was
computed, whatever else the host did. *As sent* is the same in the archive that Ansible makes, out of which Python
compiles all sources anew at each task; Ansible's own smallest module stands beside it. Other programs are rows where
the host has them, and only then.

    PYTHONPATH=collections python bench/gpu_info/run.py [--runs 20] [--root /] [--limit 150] [--also 'PROGRAM …']

Ends with 1 where the median of *module* is above the limit, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[2] / "collections"
MODULE = "ansible_collections.harvis.platform.plugins.modules.gpu_info"
SECONDS = 60
OTHERS = (["nvidia-smi", "-q"], ["lshw", "-quiet", "-json", "-class", "display"], ["lspci", "-vmm", "-d", "10de:"])
EMPTY = "import ansible.module_utils.basic"
CHILD = f"""\
import sys, time
import ansible.module_utils.basic
import importlib
began, computed = time.perf_counter(), time.process_time()
module = importlib.import_module({MODULE!r})
imported = time.perf_counter()
try:
    module.main()
except SystemExit as end:
    code = end.code
print(began, imported, time.perf_counter(), time.process_time() - computed, code or 0, file=sys.stderr)
"""


@dataclass(frozen=True)
class Row:
    """Milliseconds, each a median; None where a program has no such part."""

    name: str
    process: float
    cpu: float
    module: float | None = None
    main: float | None = None
    note: str = ""

    def __str__(self) -> str:
        cells = [
            "-" if figure is None else f"{figure:.0f}" for figure in (self.main, self.module, self.process, self.cpu)
        ]
        return f"| {' | '.join([self.name, *cells, self.note])} |"


def look(runs: int, root: str) -> Row:
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"root": root}})
    rows = []
    for _ in range(runs):
        done, seconds, cpu = timed([sys.executable, "-c", CHILD, arguments])
        began, imported, ended, computed, code = map(float, done.stderr.split()[-5:])
        if code:
            sys.exit(f"gpu_info failed: {done.stdout[:500]}")
        rows.append((seconds, cpu, ended - began, ended - imported, computed))
        said = json.loads(done.stdout)
    seen = f"{len(said['gpus'])} GPUs, first failing layer: {said['first_failing_layer']}"
    process, cpu, module, main, computed = (1000 * statistics.median(column) for column in zip(*rows, strict=True))
    note = f"{seen}; of *module*, {computed:.0f} ms were computed"
    return Row("gpu_info", process, cpu, module, main, note)


def other(name: str, argv: t.Sequence[str], runs: int) -> Row:
    """Its exit status is told: a program that finds no driver ends early."""
    done = [timed(argv) for _ in range(runs)]
    process, cpu = (1000 * statistics.median(run[part] for run in done) for part in (1, 2))
    return Row(name, process, cpu, note=f"exit {done[-1][0].returncode}")


def sent(name: str, folder: Path) -> list[str]:
    """The command that runs a module on a host, as Ansible would bring it there."""
    from ansible.executor.module_common import modify_module
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import module_loader
    from ansible.template import Templar

    path = module_loader.find_plugin_with_context(name).plugin_resolved_path
    variables = {"ansible_python_interpreter": sys.executable}
    built = modify_module(
        module_name=name, module_path=path, module_args={}, templar=Templar(DataLoader()), task_vars=variables
    )
    file = folder / name
    file.write_bytes(built.b_module_data)
    return [sys.executable, str(file)]


def timed(argv: t.Sequence[str]) -> tuple[subprocess.CompletedProcess[str], float, float]:
    """What it said, and seconds: of the clock, and of the processor."""
    environment = {"PYTHONPATH": str(COLLECTIONS), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(list(argv), capture_output=True, text=True, timeout=SECONDS, check=False, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done, time.perf_counter() - start, computed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--root", default="/", help="a recorded tree instead of this host")
    parser.add_argument("--limit", type=float, default=150, help="milliseconds that the module may take")
    parser.add_argument(
        "--also", type=shlex.split, action="append", default=[], help="another program with its arguments, in one word"
    )
    options = parser.parse_args()
    timed([sys.executable, "-c", CHILD, json.dumps({"ANSIBLE_MODULE_ARGS": {"root": options.root}})])  # warms the files
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(COLLECTIONS)])
    ours = look(options.runs, options.root)
    found = [[path, *argv[1:]] for argv in OTHERS if (path := shutil.which(argv[0]))]
    rows = [ours, other("no module", [sys.executable, "-c", EMPTY], options.runs)]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("harvis.platform.gpu_info", "ansible.builtin.ping"):
            rows.append(other(f"{name.rpartition('.')[2]}, as sent", sent(name, Path(folder)), options.runs))
    rows += [other(" ".join([Path(a[0]).name, *a[1:]]), a, options.runs) for a in (*found, *options.also)]
    print("| milliseconds, median | main() | module | process | CPU | what it said |\n|---|---|---|---|---|---|")
    print(*rows, sep="\n")
    tried = {Path(argv[0]).name for argv in (*found, *options.also)}
    missing = [argv[0] for argv in OTHERS if argv[0] not in tried]
    if missing:
        print(f"\nnot on this host: {', '.join(missing)}")
    return int((ours.module or 0) > options.limit)


if __name__ == "__main__":
    sys.exit(main())
