"""What proves that a finding is made: cases of the corpus, `fault` marks of tests, and tasks of Molecule scenarios."""

from __future__ import annotations

import ast
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[1]
COLLECTION = PROJECT / "collections/ansible_collections/harvis/platform"
CORPUS = COLLECTION / "tests/corpus"
MOLECULE = PROJECT / "molecule"
FOLDERS = [COLLECTION / "tests/unit", PROJECT / "charts/tests", PROJECT / "apps", MOLECULE]
STAGES = ["lint", "plan", "after build", "after deploy", "continuous"]
# How a proof comes by the fault, and what each word claims.
BY = {
    "real": "the program, daemon or package archive itself said it",
    "simulated NVML": "NVIDIA's own binding, plugin or tools over a library that answers from a description",
    "recorded tree": "proc, sysfs, logs, and what dpkg, apt and DKMS say, of a host that cannot be had here",
    "recorded cluster": "objects, logs and answers of a cluster that cannot be had here, told by a stand-in for it",
    "files": "charts, values, manifests, pinned wheels and a host's figures: there is nothing else to look at",
}


@dataclass(frozen=True)
class Proof:
    """A test that shows a finding being made: of which fault (empty: of none in the list), when, and by what."""

    fault: str
    code: str
    when: tuple[str, ...]
    test: str
    by: str = ""


def all_proofs() -> list[Proof]:
    """Ends the program where a mark uses a word that is none."""
    found = [*_corpus(), *_marked(), *_played()]
    wrong = [f"{p.test}: by={p.by!r}" for p in found if p.by and p.by not in BY]
    wrong += [f"{p.test}: when={when!r}" for p in found for when in p.when if when not in STAGES]
    if wrong:
        sys.exit(f"marks use unknown words: {', '.join(wrong)}")
    return found


def _corpus() -> t.Iterator[Proof]:
    """A case is a test of test_corpus.py; one that needs to know nodes is of the plan."""
    for path in sorted(p for p in CORPUS.rglob("*.yml") if "_base" not in p.parts):
        case = yaml.safe_load(path.read_text())
        if case.get("code"):
            when = "plan" if (case.get("options") or {}).get("nodes") else "lint"
            name = f"corpus/{path.relative_to(CORPUS).with_suffix('')}"
            yield Proof(case.get("fault", ""), case["code"], (when,), name, "files")


def _marked() -> t.Iterator[Proof]:
    for folder in FOLDERS:
        for path in sorted(folder.rglob("test_*.py")):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    for decorator in node.decorator_list:
                        yield from _mark(decorator, f"{path.name}::{node.name}")


def _mark(decorator: ast.expr, test: str) -> t.Iterator[Proof]:
    """`@pytest.mark.fault("F26", code=…, when=…, by=…)`; a finding that is no fault of the list has no id."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.fault":
        return
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords}
    when = tuple(filter(None, given.get("when", "" if given.get("by") else "lint").split("; ")))
    for fault in map(ast.literal_eval, decorator.args or [ast.Constant("")]):
        yield Proof(fault, given.get("code", ""), when, test, given.get("by", ""))


def _played() -> t.Iterator[Proof]:
    """Tasks with `vars: {proves: {DRV-HEADERS: real}}`, which must fail where the finding is another."""
    for path in sorted([*MOLECULE.glob("*/*.yml"), *MOLECULE.glob("*/machines/*.yml")]):
        for entry in yaml.safe_load(path.read_text()) or []:
            # A play, or a task of a file that plays include.
            for task in (entry, *_tasks(entry)) if isinstance(entry, dict) else ():
                for code, by in (task.get("vars") or {}).get("proves", {}).items():
                    name = f"{path.relative_to(PROJECT)}: {task['name']}"
                    if code not in str([task.get("failed_when"), task.get("ansible.builtin.assert")]):
                        sys.exit(f"{name}: proves {code} and does not fail without it")
                    yield Proof("", code, (), name, by)


def _tasks(play: dict[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    for part in ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always"):
        for task in play.get(part) or []:
            yield task
            yield from _tasks(task)
