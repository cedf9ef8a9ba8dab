"""PLB-ENVIRONMENT: a task that sets environment for tasks after it, which start from their own."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.plays.shell import (
    Command,
    Script,
    command_of,
    script_of,
)
from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import Task, TaskFile

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.plays.read import Sources

# Programs that print shell code for `eval` and do nothing else.
_PRINTS_ENVIRONMENT = re.compile(
    r"^\s*\S*minikube\b[^|;&>]*\b(?:docker-env|podman-env)\b[^|;&>]*$|^\s*\S*docker-machine\s+env\b[^|;&>]*$"
)
_EXPORT = re.compile(r"(?:export|declare\s+-x|typeset\s+-x)\s+(?!-p\b)\S|setenv\s+\S")
_SUBSTITUTED = re.compile(r"eval\s+(?:--\s+)?[\"']?(?:\$\(|`)")
# Files that are there to be sourced for their environment, by their names.
_SOURCED = re.compile(
    r"(?:source|\.)\s+\S*?(?:activate|\.env|environment|profile|\w*rc|setenv\S*|openrc\S*|env\.sh)(?:\s|[\"']|$)"
)
_NEUTRAL = frozenset({"set", "true", ":", "cd", "unset", "alias", "umask", "fi", "done", "esac", "}", "exit 0"})
_REMEDY = "Put the variables into `environment:` of the task that needs them, or run both commands in one shell task."


def lost_environment(file: TaskFile, sources: Sources) -> t.Iterator[Finding]:
    for task in file.tasks:
        script = script_of(task, file)
        if script is not None and script.understood:
            yield from _in_script(file, task, script)
        yield from _only_printed(file, task, sources)


def _in_script(file: TaskFile, task: Task, script: Script) -> t.Iterator[Finding]:
    """The last command that does anything sets environment, which nobody is left to use."""
    acting = [command for command in script.commands if not _is_neutral(command)]
    if acting and _sets_environment(acting[-1]):
        last = acting[-1]
        yield Finding.at(
            "PLB-ENVIRONMENT",
            Place(file.name, last.line),
            f"{task.name!r} ends by setting environment, and the environment ends with the task",
            evidence=" ".join(last.text.split()),
            fix=_REMEDY,
        )


def _is_neutral(command: Command) -> bool:
    return command.words[0] in _NEUTRAL or command.blanked in _NEUTRAL


def _sets_environment(command: Command) -> bool:
    """Not inside a pipe or with its output going to a file, where it may be meant for a reader."""
    if command.before.startswith("|") or command.after.startswith("|") or ">" in command.blanked:
        return False
    return any(pattern.match(command.text) for pattern in (_EXPORT, _SUBSTITUTED, _SOURCED))


def _only_printed(file: TaskFile, task: Task, sources: Sources) -> t.Iterator[Finding]:
    """``minikube docker-env`` in a task of its own, whose output nobody reads."""
    node = command_of(task)
    if node is None or not _PRINTS_ENVIRONMENT.match(node.value) or sources.reads_result_of(task):
        return
    yield Finding.at(
        "PLB-ENVIRONMENT",
        Place(file.name, int(node.start_mark.line) + 1),
        f"{task.name!r} prints environment that no other task reads",
        evidence=" ".join(node.value.split()),
        fix=_REMEDY,
    )
