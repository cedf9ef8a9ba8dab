"""The shell text of a task, and its commands with the lines they stand on.

No shell grammar, only as much of it as tells commands and operators apart: quotes, comments, here-documents and
Jinja are blanked first, character by character, so that places stay what they are.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import Node, Task, TaskFile, is_tangled

SHELL_MODULES = frozenset({"shell", "ansible.builtin.shell", "ansible.legacy.shell"})
RAW_MODULES = frozenset({"raw", "ansible.builtin.raw", "ansible.legacy.raw"})
COMMAND_MODULES = frozenset({"command", "ansible.builtin.command", "ansible.legacy.command"})
_OLD_STYLE = ("action", "local_action")
_OTHER_SHELL = re.compile(r"\b(?:pwsh|powershell|python\S*|perl|ruby|node|fish|expect)\b")

# What is no command of its own. `escape` comes first: a quote may be escaped.
_OPAQUE = re.compile(
    r"""
    (?P<escape>\\.)
    | (?P<jinja>\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\})
    | (?<!<)<<-?\s*["'\\]?(?P<word>\w+)["']?(?P<rest>[^\n]*)(?P<document>\n(?:.*?\n)??[ \t]*(?P=word)[ \t]*(?=\n|\Z))
    | (?P<single>'[^']*')
    | (?P<double>"(?:\\.|[^"\\])*")
    | (?P<substitution>\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|`[^`]*`)
    | (?P<comment>(?:(?<=\s)|^)\#[^\n]*)
    | (?P<test>\[\[\s.*?\s\]\])
    | (?P<arithmetic>\(\(.*?\)\))
    | (?P<pattern>^[ \t]*\(?[^\s()|&;$]+(?:[ \t]*\|[ \t]*[^\s()|&;$]+)+\))
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_SPACE = frozenset({"comment", "document", "pattern"})
# End of a command. `>|`, `2>&1` and `&>file` are redirections.
_OPERATOR = re.compile(r"\|\||&&|(?<![<>])\|&?|(?<![<>])&(?!>)|;;?|\n|[()]")
_LEADING = re.compile(r"(?:then|else|do|if|elif|while|until|!|\{|time)(?=\s|$)\s*")
_CONDITION = frozenset({"if", "elif", "while", "until", "!"})


@dataclass(frozen=True)
class Command:
    """One simple command: its text as written, the same with all opaque parts blanked, and the operators around it.

    ``line`` is where it begins in the file, ``end_line`` where the operator after it stands. The status of a
    ``condition`` decides what is done next, so nobody expects it to be 0.
    """

    text: str
    blanked: str
    before: str
    after: str
    line: int
    end_line: int
    condition: bool = False

    @property
    def program(self) -> str:
        """For people."""
        jinja = re.match(r"(?:\S*?\{\{.*?\}\})+\S*", self.text, re.DOTALL)
        return jinja[0] if jinja else self.text.split()[0]

    @property
    def words(self) -> list[str]:
        return self.blanked.split()


@dataclass(frozen=True)
class Script:
    """A task's shell text, command by command, and the program that reads it (empty: ``/bin/sh``)."""

    commands: tuple[Command, ...]
    executable: str

    @property
    def understood(self) -> bool:
        return not _OTHER_SHELL.search(self.executable)


def script_of(task: Task, file: TaskFile) -> Script | None:
    """None where no shell reads text of the task."""
    node = _shell_node(task, SHELL_MODULES | RAW_MODULES)
    if node is None or is_tangled(node.value):
        return None
    text, line = _layout(node, file.text)
    return Script(tuple(_commands(text, line)), _argument(task, "executable"))


def tangled_script(task: Task) -> int:
    """The line of a script that is not looked at because of its size; 0 where there is none."""
    node = _shell_node(task, SHELL_MODULES | RAW_MODULES)
    return int(node.start_mark.line) + 1 if node is not None and is_tangled(node.value) else 0


def command_of(task: Task) -> Node | None:
    """The text of a task that starts one program, with or without a shell."""
    return _shell_node(task, SHELL_MODULES | RAW_MODULES | COMMAND_MODULES)


def _shell_node(task: Task, modules: frozenset[str]) -> Node | None:
    for name in modules & task.body.keys():
        node = task.body[name]
        return node if node.id == "scalar" and node.value.strip() else _below(node, "cmd") or _below_args(task)
    for name in _OLD_STYLE:
        node = task.body.get(name)
        module = _below(node, "module")
        if module is not None and module.value in modules:
            return _below(node, "cmd") or _below(node, "_raw_params")
    return None


def _below_args(task: Task) -> Node | None:
    return _below(task.body.get("args"), "cmd")


def _below(node: Node | None, key: str) -> Node | None:
    if node is None or node.id != "mapping":
        return None
    return next((v for k, v in node.value if k.id == "scalar" and k.value == key and v.id == "scalar"), None)


def _argument(task: Task, name: str) -> str:
    places = [task.body.get("args"), *(task.body.get(m) for m in SHELL_MODULES)]
    found = next(filter(None, (_below(place, name) for place in places)), None)
    return str(found.value) if found else ""


def _layout(node: Node, source: str) -> tuple[str, int]:
    """The shell's text with as many lines as it has in the file, and the file's line of its first character."""
    raw = source[node.start_mark.index : node.end_mark.index]
    line = int(node.start_mark.line) + 1
    if node.style in ("|", ">"):
        _, _, raw = raw.partition("\n")
        line += 1
    elif node.style:
        raw = raw[1:-1]
    if node.style == '"':
        raw = re.sub(r"\\(.)", lambda m: f" {m[1]}" if m[1] in '"\\/' else "  ", raw)
    if node.style != "|":  # elsewhere YAML folds a line break into a space, unless a blank line follows
        raw = re.sub(r"\n(?!\s*\n)", "\r", raw)
    return raw, line


def _commands(text: str, line: int) -> t.Iterator[Command]:
    joined = text.replace("\\\n", " \r").replace("\\\r", " \r")
    blank = _blanked(joined)
    start, before = 0, ""
    ends = [(m.start(), m.end(), m[0]) for m in _OPERATOR.finditer(blank)]
    for at, end, operator in [*ends, (len(blank), len(blank), "")]:
        bare, condition = _bare(blank[start:at].strip())
        if bare:
            first = start + blank[start:at].index(bare)
            places = (line + _breaks(blank[:first]), line + _breaks(blank[:at]))
            yield Command(joined[first:at].strip(), bare, before, operator, *places, condition)
        if bare or operator != "\n":  # a line break after an operator continues it
            before = operator
        start = end


def _breaks(text: str) -> int:
    return text.count("\n") + text.count("\r")


def _blanked(text: str) -> str:
    return _OPAQUE.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    """As long as before; what lies over several lines stays on them, but ends no command there."""
    if match["document"] is not None:
        opening = match[0][: match.start("rest") - match.start()]
        return _fill(opening, "x") + _blanked(match["rest"]) + _fill(match["document"], " ")
    return _fill(match[0], " " if match.lastgroup in _SPACE or match[0].startswith(("{%", "{#")) else "x")


def _fill(text: str, with_: str) -> str:
    return re.sub(r"[^\n\r]", with_, text).replace("\n", "\r")


def _bare(text: str) -> tuple[str, bool]:
    """The command without the words of the grammar before it, and whether these make it a condition."""
    condition = False
    while found := _LEADING.match(text):
        condition = condition or found[0].strip() in _CONDITION
        text = text[found.end() :]
    return text, condition
