"""Who reads a variable, and with what stand-in."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import Node, Task, TaskFile, is_tangled

# Results of a command that ran; only these are certain to be there.
_EMPTY_DEFAULT = re.compile(
    r"\b(?P<name>[A-Za-z_]\w*)"
    r"(?:\.(?:stdout|stdout_lines|stderr|stderr_lines|rc)|\[['\"](?:stdout|stdout_lines|stderr|stderr_lines|rc)['\"]\])"
    r"\s*\|\s*(?:default|d)\(\s*(?:''|\"\"|\[\s*\]|\{\s*\}|0|false|False)\s*(?:,\s*(?:boolean\s*=\s*)?\w+\s*)?\)"
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
# Keywords whose text is an expression without braces.
_EXPRESSIONS = frozenset({"when", "until", "failed_when", "changed_when", "loop"})
_DEBUG = frozenset({"debug", "ansible.builtin.debug"})
_ASSERT = frozenset({"assert", "ansible.builtin.assert"})


def empty_defaults(text: str) -> t.Iterator[tuple[str, str]]:
    """Name and expression of each result of a command that is replaced by something empty when it is missing."""
    return ((found["name"], found[0]) for found in _EMPTY_DEFAULT.finditer(text))


def readers(files: t.Iterable[TaskFile], texts: t.Iterable[str]) -> Counter[str]:
    """How many tasks, plays and texts depend on each word.

    Printing a variable is not depending on it, nor is reading it with an empty stand-in.
    """
    found: Counter[str] = Counter()
    for text in texts:
        found.update(set(_WORD.findall(text)))
    for file in files:
        found.update({word for text in file.play_expressions() for word in _WORD.findall(text)})
        for task in file.tasks:
            found.update(task_words(task, _is_reading))
    return found


def task_words(task: Task, keys: t.Callable[[str], bool]) -> set[str]:
    """Words in the expressions of those keys of a task that ``keys`` holds for."""
    return {
        word
        for key, node in task.scalars()
        if keys(key)
        for text in _expressions(key, node)
        for word in _WORD.findall(text)
    }


def reads(total: Counter[str], task: Task) -> bool:
    """Whether anybody depends on what ``task`` registers; of the task itself only its own conditions count."""
    name = task.register
    own = int(name in task_words(task, _is_reading))
    return total[name] > own or name in task_words(task, _EXPRESSIONS.__contains__)


def _expressions(key: str, node: Node) -> t.Iterable[str]:
    text = _EMPTY_DEFAULT.sub("", node.value)
    if key in _EXPRESSIONS or key in _ASSERT or key.startswith("with_"):
        return [text]
    return [] if is_tangled(text) else _JINJA.findall(text)


def _is_reading(key: str) -> bool:
    return key not in _DEBUG
