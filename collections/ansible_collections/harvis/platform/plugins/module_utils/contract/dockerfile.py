"""Dockerfiles: instructions with their lines, stages, and what the built image would hold.

A small reader of our own: the libraries on PyPI know neither heredocs nor the flags of ``COPY``.
"""

from __future__ import annotations

import json
import re
import shlex
import typing as t
from dataclasses import dataclass, field

_ESCAPE = re.compile(r"^#\s*escape\s*=\s*(\S)\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_][A-Za-z0-9_]*)\1")
_VARIABLE = re.compile(
    r"\\(?P<escaped>\$)|\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?::?(?P<operator>[-+?])(?P<word>[^}]*))?\}|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))"
)
_FLAG = re.compile(r"--(?P<name>[a-z-]+)(?:=(?P<value>\S*))?\s+")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continuation lines joined. ``heredocs`` are the bodies that follow it."""

    name: str
    flags: dict[str, str]
    text: str
    line: int
    heredocs: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Arguments: a JSON array, or words separated by space."""
        listed = self.listed()
        return self.text.split() if listed is None else listed

    def listed(self) -> list[str] | None:
        """The arguments of the exec form; None for the shell form."""
        if not self.text.startswith("["):
            return None
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        return found if isinstance(found, list) and all(isinstance(w, str) for w in found) else None


@dataclass(frozen=True)
class Stage:
    """One ``FROM`` and what follows it."""

    base: str
    name: str
    line: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Dockerfile:
    """``arguments`` are those before the first ``FROM``, with their defaults."""

    stages: tuple[Stage, ...]
    arguments: dict[str, str] = field(default_factory=dict)


def read_dockerfile(text: str, arguments: t.Mapping[str, str] | None = None) -> Dockerfile:
    """The stages of a Dockerfile; ``arguments`` are the build's, which win over defaults."""
    given = dict(arguments or {})
    known: dict[str, str] = {}
    stages: list[Stage] = []
    current: list[Instruction] = []
    for instruction in instructions(text):
        if instruction.name == "FROM":
            current = []
            words = [expand(word, known) for word in instruction.text.split()]
            name = words[2] if len(words) > 2 and words[1].upper() == "AS" else str(len(stages))
            stages.append(Stage(words[0] if words else "", name.lower(), instruction.line, ()))
        elif not stages and instruction.name == "ARG":
            for key, value in assignments(instruction.text, known).items():
                known[key] = given.get(key, value or "")
        else:
            current.append(instruction)
        if stages:
            stages[-1] = Stage(stages[-1].base, stages[-1].name, stages[-1].line, tuple(current))
    return Dockerfile(tuple(stages), known)


def instructions(text: str) -> list[Instruction]:
    lines = text.splitlines()
    match = _ESCAPE.match(lines[0]) if lines else None
    escape = match[1] if match else "\\"
    found: list[Instruction] = []
    index = 0
    while index < len(lines):
        if not lines[index].strip() or lines[index].lstrip().startswith("#"):
            index += 1
            continue
        first = index
        index, joined = _join(lines, index, escape)
        bodies: list[str] = []
        name = joined.split(None, 1)[0].upper()
        for match in _HEREDOC.finditer(joined) if name in ("RUN", "COPY", "ADD") else ():
            index, body = _heredoc(lines, index, match[2])
            bodies.append(body)
        found.append(_instruction(joined, first + 1, tuple(bodies)))
    return found


def _join(lines: list[str], index: int, escape: str) -> tuple[int, str]:
    """Continuation lines as one, comments and empty lines between them left out; and the index after them."""
    parts = []
    while index < len(lines):
        line = lines[index].rstrip()
        index += 1
        if parts and (not line or line.lstrip().startswith("#")):
            continue
        if not line.endswith(escape):
            parts.append(line)
            break
        parts.append(line.removesuffix(escape))
    return index, " ".join(parts).strip()


def _heredoc(lines: list[str], index: int, end: str) -> tuple[int, str]:
    body = []
    while index < len(lines) and lines[index].strip() != end:
        body.append(lines[index])
        index += 1
    return index + 1, "\n".join(body)


def _instruction(joined: str, line: int, bodies: tuple[str, ...]) -> Instruction:
    name, _, rest = joined.partition(" ")
    rest, flags = rest.strip(), {}
    while match := _FLAG.match(rest):
        flags[match["name"]] = match["value"] or ""
        rest = rest[match.end() :]
    return Instruction(name.upper(), flags, rest, line, bodies)


def assignments(text: str, known: t.Mapping[str, str]) -> dict[str, str | None]:
    """``A=1 B="two words"`` of ENV and ARG, expanded; ``ENV A the rest`` in the old form; None for ``ARG A``."""
    first = text.split(None, 1)
    if first and "=" not in first[0] and len(first) == 2:
        return {first[0]: expand(first[1], known)}
    found: dict[str, str | None] = {}
    try:
        words = shlex.split(text, posix=True)
    except ValueError:
        words = text.split()
    for word in words:
        key, equals, value = word.partition("=")
        found[key] = expand(value, known) if equals else None
    return found


def expand(text: str, known: t.Mapping[str, str]) -> str:
    """``$NAME`` and ``${NAME:-word}`` replaced; a name that is not known gives nothing, as in a build."""

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        value = known.get(match["braced"] or match["plain"], "")
        if match["operator"] == "-":
            return value or match["word"]
        if match["operator"] == "+":
            return match["word"] if value else ""
        return value

    return _VARIABLE.sub(replace, text)
