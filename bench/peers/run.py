"""What the audit finds on the corpus beside what `helm lint --strict` and `kube-score` say of it.

A tool has found a fault when it says something of the faulty variant that it does not say of the healthy twin. What it
says of healthy twins is counted as noise. Sources and playbooks are shown to the audit alone, for the others do not
read them.

    make bench          # or: PYTHONPATH=collections python bench/peers/run.py --helm HELM [--each]

kube-score is built from its Go module (`go.mod` beside this file pins it) unless `--kube-score` names one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import typing as t
from collections import Counter
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.run import audit
from ansible_collections.harvis.platform.plugins.module_utils.findings import Severity
from ansible_collections.harvis.platform.tests.unit.corpus import Case, cases

SECONDS = 60
Said = set[str]
Tool = t.Callable[[Case, Path], "Said | None"]
"""What a tool says of a case's folder; None where it cannot read such a case."""


def out(*argv: str | Path) -> str:
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=SECONDS)
    return done.stdout + done.stderr


def helm_lint(helm: str) -> Tool:
    def say(case: Case, folder: Path) -> Said | None:
        if case.kind != "chart":
            return None
        said = out(helm, "lint", "--strict", *_values(case, folder), folder).replace(str(folder), "")
        return {line.strip() for line in said.splitlines() if re.match(r"\[(ERROR|WARNING)\]|Error:", line.strip())}

    return say


def kube_score(program: str, helm: str) -> Tool:
    def say(case: Case, folder: Path) -> Said | None:
        if case.kind not in ("chart", "manifests"):
            return None
        files = _manifests(case, folder, helm)
        if not files:
            return set()
        said = out(program, "score", "--output-format", "ci", *files)
        return {line for line in said.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))}

    return say


def our_audit(helm: str) -> Tool:
    def say(case: Case, folder: Path) -> Said | None:
        found = audit(case.request(folder, helm)).findings
        # Notes count where the case is about one.
        return {
            str(f).replace(str(folder), "") for f in found if f.severity is not Severity.INFO or f.code == case.code
        }

    return say


def _values(case: Case, folder: Path) -> list[str | Path]:
    return [part for name in case.options.get("values", []) for part in ("--values", folder / name)]


def _manifests(case: Case, folder: Path, helm: str) -> list[Path]:
    if case.kind == "manifests":
        return sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml"))
    rendered = subprocess.run(
        [helm, "template", "release", str(folder), *map(str, _values(case, folder))],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    target = folder.with_suffix(".rendered.yaml")
    target.write_text(rendered.stdout)
    return [target] if rendered.returncode == 0 else []


def both(tool: Tool, case: Case) -> tuple[Said | None, Said | None]:
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root) / "faulty" / "chart", Path(root) / "healthy" / "chart"]
        for folder, files in zip(folders, (case.faulty, case.healthy), strict=True):
            folder.mkdir(parents=True)
            case.write(files, folder)
        faulty, healthy = (tool(case, folder) for folder in folders)
        return faulty, healthy


def built_kube_score(folder: Path) -> str:
    """kube-score of `go.mod`, built with the Go toolchain that the platform's own programs were built with."""
    found = sorted(Path.home().glob(".cache/harvis/toolchains/go-*/go/bin/go"))
    go = str(found[-1]) if found else "go"
    here = Path(__file__).parent
    flags = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    subprocess.run([go, "build", "-o", f"{folder}/", "tool"], cwd=here, env={**os.environ, **flags}, check=True)
    return str(folder / "kube-score")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--helm", required=True)
    parser.add_argument("--kube-score")
    parser.add_argument("--each", action="store_true", help="a line for each case")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(args.helm, args.kube_score or built_kube_score(Path(folder)), each=args.each)


def compare(helm: str, program: str, *, each: bool) -> None:
    """Print the table, and with ``each`` who found what before it."""
    tools = {
        "the audit": our_audit(helm),
        "helm lint --strict": helm_lint(helm),
        "kube-score": kube_score(program, helm),
    }
    found, noisy, read = Counter[str](), Counter[str](), Counter[str]()
    for case in cases():
        results = {name: both(tool, case) for name, tool in tools.items()}
        for name, (faulty, healthy) in results.items():
            read[name] += faulty is not None
            found[name] += bool((faulty or set()) - (healthy or set()))
            noisy[name] += bool(healthy)
        if each:
            who = [name for name, (faulty, healthy) in results.items() if (faulty or set()) - (healthy or set())]
            print(f"{case.name}: {', '.join(who) or 'nobody'}", flush=True)
    print(f"\n{len(cases())} cases, one fault each, with a healthy twin\n")
    print("| tool | can read | says something new of the fault | complains about the healthy twin |")
    print("| --- | --- | --- | --- |")
    for name in tools:
        print(f"| {name} | {read[name]} | {found[name]} | {noisy[name]} |")


if __name__ == "__main__":
    main()
