"""Tasks of a playbook or task file with their lines, without running or resolving anything."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

Node = t.Any
_PLAY = frozenset({"hosts", "import_playbook", "ansible.builtin.import_playbook"})
_LISTS_OF_TASKS = ("pre_tasks", "tasks", "post_tasks", "handlers")
_PARTS_OF_BLOCK = ("block", "rescue", "always")
_REASON = re.compile(r"(?:^|\s)#(.*)$")
_DIRECTIVE = re.compile(r"\b(?:noqa|yamllint)\b.*")


# Each opening is followed to its end, so many of them without one would take time that grows with their square.
MAX_CHARACTERS = 50_000
MAX_OPENINGS = 500
_OPENING = re.compile(r"\{[{%#]|\$\(|<<|`|\[\[|\(\(")


def is_tangled(text: str) -> bool:
    """Whether a text is larger than people write it; such a one is not looked at."""
    return len(text) > MAX_CHARACTERS or sum(1 for _ in _OPENING.finditer(text)) > MAX_OPENINGS


@dataclass(frozen=True)
class Task:
    """``conditional`` tasks may be skipped; ``repairing`` ones stand in a ``rescue`` or ``always``."""

    node: Node
    conditional: bool = False
    repairing: bool = False

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    @cached_property
    def body(self) -> dict[str, Node]:
        return {key.value: value for key, value in self.node.value if key.id == "scalar"}

    @property
    def register(self) -> str:
        """The name under which others find the result; empty where nobody can."""
        node = self.body.get("register")
        return str(node.value) if node is not None and node.id == "scalar" else ""

    @cached_property
    def name(self) -> str:
        node = self.body.get("name")
        return str(node.value) if node is not None and node.id == "scalar" else "a task"

    def scalars(self) -> t.Iterator[tuple[str, Node]]:
        """Key of the task and each scalar below it; tasks inside a block are not part of it."""
        for key, value in self.body.items():
            if key not in _PARTS_OF_BLOCK:
                yield from ((key, scalar) for scalar in _scalars(value))


@dataclass(frozen=True)
class TaskFile:
    """``name`` as it is shown, the text, and all tasks at any depth, in order."""

    name: str
    text: str
    tasks: tuple[Task, ...]
    plays: tuple[Node, ...] = ()

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def line_of(self, node: Node, part: str) -> int:
        """The line on which ``part`` of a scalar stands; the scalar's own where YAML folds it."""
        first, last = int(node.start_mark.line), int(node.end_mark.line)
        found = [number for number in range(first, min(last + 1, len(self.lines))) if part in self.lines[number]]
        return (found[0] if found else first) + 1

    def play_expressions(self) -> t.Iterator[str]:
        """Text of the plays themselves (their variables, roles, environment), tasks left aside."""
        for play in self.plays:
            for key, node in play.value:
                if key.value not in _LISTS_OF_TASKS:
                    yield from (scalar.value for scalar in _scalars(node))

    def reason(self, node: Node, task: Task) -> str:
        """What a comment says on the line of ``node``, or directly above it, or directly above its task."""
        line = int(node.end_mark.line)
        rest = (
            self.lines[line][node.end_mark.column :] if line < len(self.lines) and node.style not in ("|", ">") else ""
        )
        beside = _REASON.search(rest)
        said = [beside[1]] if beside else []
        for start in (int(node.start_mark.line), task.line - 1):
            said += self._above(start)
        return _said(said)

    def _above(self, line: int) -> list[str]:
        found = []
        while line > 0 and self.lines[line - 1].lstrip().startswith("#"):
            line -= 1
            found.append(self.lines[line].lstrip().lstrip("#"))
        return found


def _said(comments: list[str]) -> str:
    """The first comment that says something to people."""
    texts = (_DIRECTIVE.sub("", comment).strip() for comment in comments)
    return next((text for text in texts if re.search(r"[^\W\d]", text)), "")


def parse(name: str, text: str) -> TaskFile | None:
    """None for what holds neither plays nor tasks. Raises yaml.YAMLError."""
    text = text.replace("\r\n", "\n")
    root = yaml_text.compose(text)
    if root is None or root.id != "sequence":
        return None
    items = [item for item in root.value if item.id == "mapping"]
    tasks: list[Task] = []
    plays = [item for item in items if _PLAY & {key.value for key, _ in item.value if key.id == "scalar"}]
    for item in items:
        if item in plays:
            body = Task(item).body
            for part in _LISTS_OF_TASKS:
                tasks += _tasks(body.get(part), conditional=False, repairing=False, depth=0)
        else:
            tasks += _from_item(item, conditional=False, repairing=False, depth=0)
    return TaskFile(name, text, tuple(tasks), tuple(plays))


def _tasks(node: Node, *, conditional: bool, repairing: bool, depth: int) -> t.Iterator[Task]:
    if node is not None and node.id == "sequence" and depth < 20:  # an alias may lead a block back into itself
        for item in node.value:
            if item.id == "mapping":
                yield from _from_item(item, conditional=conditional, repairing=repairing, depth=depth)


def _from_item(item: Node, *, conditional: bool, repairing: bool, depth: int) -> t.Iterator[Task]:
    task = Task(item)
    # A task with tags of its own is left out when others are asked for.
    task = Task(item, conditional or bool({"when", "tags"} & task.body.keys()), repairing)
    yield task
    for part in _PARTS_OF_BLOCK:
        yield from _tasks(
            task.body.get(part),
            conditional=task.conditional,
            repairing=repairing or part != "block",
            depth=depth + 1,
        )


def _scalars(root: Node) -> t.Iterator[Node]:
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.id == "scalar":
            yield node
        elif node.id == "sequence":
            todo += reversed(node.value)
        else:
            todo += [value for _, value in reversed(node.value)]
