"""PLB-PIPE: a shell task whose pipe throws away the status of its first commands."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.plays.shell import Command, Script, script_of
from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import TaskFile

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.plays.read import Sources

_PIPEFAIL = re.compile(r"(?:^|\s)-[A-Za-z]*o\s+pipefail\b")
_PIPES = frozenset({"|", "|&"})
# Commands that only print what they are given; `cat FILE` is none of them.
_SEARCHES = frozenset({"grep", "egrep", "fgrep", "rg"})
_PRINTERS = frozenset({"echo", "printf", "yes", "true", ":"})


def hidden_failures(file: TaskFile, _sources: Sources) -> t.Iterator[Finding]:
    """One finding for each pipe (not for each of its bars), at its first bar."""
    for task in file.tasks:
        script = script_of(task, file)
        if script is None or not script.understood or _PIPEFAIL.search(f" {script.executable}"):
            continue
        for pipe in _pipes(script):
            if _hides(pipe):
                yield _finding(file, task.name, pipe)


def _pipes(script: Script) -> t.Iterator[list[Command]]:
    """Commands that are joined by bars, up to where the script makes them count."""
    pipe: list[Command] = []
    for command in script.commands:
        if command.words[0] == "set" and _PIPEFAIL.search(command.blanked):
            return
        pipe = [*pipe, command] if command.before in _PIPES and pipe else [command]
        if command.after not in _PIPES and len(pipe) > 1:
            yield pipe
            pipe = []


def _hides(pipe: list[Command]) -> bool:
    """Not where the script asks for the status, nor where the last command fails as well when nothing comes in."""
    if pipe[0].condition or pipe[-1].after == "||" or _fails_on_nothing(pipe[-1]):
        return False
    return not all(_only_prints(command) for command in pipe[:-1])


def _only_prints(command: Command) -> bool:
    first = command.words[0]
    return first in _PRINTERS or (first == "cat" and "<<" in command.text) or first.startswith("<")


def _fails_on_nothing(command: Command) -> bool:
    """``grep`` finds no line then; with ``-v`` it may have found some before the failure."""
    words = command.words
    return words[0] in _SEARCHES and not any(
        re.fullmatch(r"-[A-Za-z]*v[A-Za-z]*|--invert-match", word) for word in words
    )


def _finding(file: TaskFile, name: str, pipe: list[Command]) -> Finding:
    shown = " | ".join(" ".join(command.text.split()) for command in pipe)
    return Finding.at(
        "PLB-PIPE",
        Place(file.name, pipe[0].end_line),
        f"{name!r} succeeds when `{pipe[0].program}` fails: only the status of `{pipe[-1].program}` counts",
        evidence=shown if len(shown) < 200 else f"{shown[:200]}…",
        fix="Begin the script with `set -o pipefail` and run it with `executable: /bin/bash`.",
    )
