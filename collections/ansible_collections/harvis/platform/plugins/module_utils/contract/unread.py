"""What is provided and never read."""

from __future__ import annotations

import difflib
import functools
import re
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract import shell
from ansible_collections.harvis.platform.plugins.module_utils.contract.known_names import is_read_elsewhere
from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import Program
from ansible_collections.harvis.platform.plugins.module_utils.contract.said import Said, value_place, where
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import (
    Variable,
    effective_environment,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods

_LARGEST = 1024 * 1024
_CLOSE = 0.75


def findings(programs: t.Sequence[Program], objects: Objects) -> Said:
    said = Said()
    users = _bulk_users(objects)
    for program in programs:
        if program.reads.is_open:
            said.not_checked.append(f"{where(program)}: hands on its whole environment, so any variable may be read")
            continue
        if not program.entries and (program.application.image is not None or program.argv):
            continue
        for variable in program.given.variables.values():
            if variable.source.bulk and not _nobody_reads(variable, programs, users):
                continue
            finding = _finding(program, variable, objects)
            said.findings += [finding] if finding else []
    return said


def nearest(name: str, names: t.Iterable[str]) -> str:
    """The name that was probably meant: the closest one, or one that only has more or fewer words."""
    known = sorted(set(names) - {name})
    close = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
    if close:
        return close[0]
    words = name.split("_")
    like = [k for k in known if _is_subset(words, k.split("_"))]
    return like[0] if like else ""


def _is_subset(words: list[str], others: list[str]) -> bool:
    small, large = sorted((words, others), key=len)
    return len(small) > 1 and small[0] == large[0] and small[-1] == large[-1] and set(small) <= set(large)


def _bulk_users(objects: Objects) -> dict[tuple[str, str, str], list[Container]]:
    """Who takes all keys of which ConfigMap or Secret."""
    found: dict[tuple[str, str, str], list[Container]] = {}
    for pod in pods(objects):
        for container in pod.containers():
            for variable in effective_environment(objects, container).variables.values():
                key = (variable.source.kind, pod.namespace, variable.source.object)
                listed = found.setdefault(key, []) if variable.source.bulk else []
                if not any(c.field == container.field and c.pod.owner is pod.owner for c in listed):
                    listed.append(container)
    return found


def _nobody_reads(
    variable: Variable, programs: t.Sequence[Program], users: dict[tuple[str, str, str], list[Container]]
) -> bool:
    """Whether every container that takes the whole object is known, and none reads this key of it."""
    for (kind, _, name), containers in users.items():
        if (kind, name) == (variable.source.kind, variable.source.object):
            known = [p for p in programs if any(_same(p.container, c) for c in containers)]
            if len(known) < len(containers) or any(_is_read(p, variable.name) or p.reads.is_open for p in known):
                return False
    return True


def _same(one: Container, other: Container) -> bool:
    return one.pod.owner is other.pod.owner and one.field == other.field


def _finding(program: Program, variable: Variable, objects: Objects) -> Finding | None:
    name = variable.name
    if _is_read(program, name):
        return None
    provided = {*program.given.variables, *program.application.environment}
    names = {n for read in program.reads.reads for n in read.names}
    near = nearest(name, names - provided)
    unsure = program.reads.starts_programs or bool(program.reads.not_followed)
    if (unsure and not near) or _is_mentioned(program, name):
        return None
    return Finding.at(
        "ENV-UNREAD",
        value_place(program, variable, objects),
        f"{where(program)}: {name} is provided, and nothing in the application reads it",
        evidence=f"the application reads {near}, which is not provided" if near else "",
        fix=f"Did you mean {near}?" if near else f"Remove {name}, or read it.",
    )


def _is_read(program: Program, name: str) -> bool:
    reads = program.reads
    if name in reads.others or name in reads.stored or name in program.application.environment:
        return True
    if any(name in r.names or (r.ignores_case and name.upper() in r.names) for r in reads.reads):
        return True
    if any(name.startswith(prefix) for prefix in reads.prefixes):
        return True
    imported = _imported(program)
    return is_read_elsewhere(name, imported) or name in _shell_names(program)


def _imported(program: Program) -> set[str]:
    """Top packages that the program's modules import from outside."""
    import ast

    found: set[str] = set()
    for name in program.reads.modules:
        module = program.tree.module(name)
        for node in ast.walk(module.tree) if module else ():
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    return found


def _shell_names(program: Program) -> set[str]:
    """Names in commands, in scripts that run before the program, and in other variables' values (``$(NAME)``)."""
    body = program.container.body
    written = [v.written or "" for v in program.given.variables.values()]
    words = [str(w) for key in ("command", "args") for w in body.get(key) or [] if isinstance(body.get(key), list)]
    lifecycle = [str(body.get(key, "")) for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")]
    references = set(re.findall(r"\$\(([^)]+)\)", " ".join([*written, *words])))
    texts = [program.start.shell_text, *program.argv, *words, *lifecycle]
    return references.union(*(shell.variables(text) for text in texts))


def _is_mentioned(program: Program, name: str) -> bool:
    """Whether any file of the image names it: something that we cannot follow may read it then."""
    return any(_names_in(file, name) for file in program.application.files.values())


def _names_in(file: Path, name: str) -> bool:
    text = _text(file)
    if name not in text:
        return False
    if file.suffix == ".py":
        return f'"{name}"' in text or f"'{name}'" in text
    return file.suffix not in (".md", ".rst", ".lock") and re.search(rf"\b{re.escape(name)}\b", text) is not None


@functools.lru_cache(maxsize=4096)
def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= _LARGEST else ""
    except (OSError, UnicodeDecodeError):
        return ""
