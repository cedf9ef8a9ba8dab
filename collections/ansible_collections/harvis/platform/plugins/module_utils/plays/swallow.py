"""PLB-SWALLOW: a task that turns a failure, or a result that is missing, into ok."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.plays.shell import command_of
from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import Node, Task, TaskFile
from ansible_collections.harvis.platform.plugins.module_utils.plays.variables import empty_defaults

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.plays.read import Sources

_NEVER = re.compile(r"(?:false|no|off)", re.IGNORECASE)
_ALWAYS = re.compile(r"(?:true|yes|on)", re.IGNORECASE)
_TOLERANT = {"failed_when": _NEVER, "ignore_errors": _ALWAYS}


def swallowed_failures(file: TaskFile, sources: Sources) -> t.Iterator[Finding]:
    for task in (*map(Task, file.plays), *file.tasks):
        for key, node in _tolerance(task):
            if not file.reason(node, task) and not sources.reads_result_of(task):
                yield _ignored(file, task, key, node)
    yield from _missing_results(file)


def _tolerance(task: Task) -> t.Iterator[tuple[str, Node]]:
    for key, pattern in _TOLERANT.items():
        node = task.body.get(key)
        if node is not None and node.id == "scalar" and pattern.fullmatch(node.value.strip()):
            yield key, node


def _ignored(file: TaskFile, task: Task, key: str, node: Node) -> Finding:
    seen = f"; nothing looks at {task.register!r}" if task.register else ""
    return Finding.at(
        "PLB-SWALLOW",
        Place(file.name, int(node.start_mark.line) + 1),
        f"{task.name!r} cannot fail, and no comment says why{seen}",
        evidence=f"{key}: {node.value}",
        fix="Say in `failed_when` which result is no failure, look at the registered result, or give the reason in a "
        "comment above the line.",
    )


def _missing_results(file: TaskFile) -> t.Iterator[Finding]:
    """Only commands that always run have certain results: elsewhere an empty default may stand for a skipped task."""
    registered: dict[str, list[Task]] = {}
    for task in file.tasks:
        if task.register:
            registered.setdefault(task.register, []).append(task)
    certain = {name for name, tasks in registered.items() if all(_always_has_result(task) for task in tasks)}
    for task in file.tasks:
        if task.repairing:
            continue
        for _, node in task.scalars():
            for name, expression in empty_defaults(node.value):
                if name in certain and task.line > registered[name][0].line and not file.reason(node, task):
                    yield _defaulted(file, task, node, name, expression)


def _always_has_result(task: Task) -> bool:
    return command_of(task) is not None and (not task.conditional or bool(list(_tolerance(task))))


def _defaulted(file: TaskFile, task: Task, node: Node, name: str, expression: str) -> Finding:
    line = file.line_of(node, expression)
    return Finding.at(
        "PLB-SWALLOW",
        Place(file.name, line),
        f"{task.name!r} goes on with an empty value where {name!r} has no result",
        evidence=expression,
        fix=f"Drop the default, so that a missing result fails, or assert what {name!r} must hold.",
    )
