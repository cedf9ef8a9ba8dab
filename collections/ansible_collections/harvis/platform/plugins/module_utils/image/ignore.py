"""Rules of a ``.dockerignore``, read and matched as BuildKit does it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

_REGEX_ONLY = frozenset(".+()|{}$")


@dataclass(frozen=True)
class Rule:
    """One line: what it matches, and whether it lets files back in (``!``)."""

    pattern: re.Pattern[str]
    restores: bool


@dataclass(frozen=True)
class IgnoreRules:
    """All lines in order; the last one that hits a path, or a folder above it, decides."""

    rules: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, text: str) -> IgnoreRules:
        rules = [_rule(line) for line in text.removeprefix("\ufeff").splitlines() if not line.startswith("#")]
        return cls(tuple(filter(None, rules)))

    @property
    def restores_any(self) -> bool:
        """With such a rule, an ignored folder may still hold files that count."""
        return any(rule.restores for rule in self.rules)

    def hits(self, path: str, above: tuple[bool, ...] | None = None) -> tuple[bool, ...]:
        """Which rules hit ``path``, given which hit the folder it lies in."""
        above = above or (False,) * len(self.rules)
        return tuple(up or bool(rule.pattern.fullmatch(path)) for rule, up in zip(self.rules, above, strict=True))

    def ignores(self, hits: tuple[bool, ...]) -> bool:
        last = next((rule for rule, hit in zip(reversed(self.rules), reversed(hits), strict=True) if hit), None)
        return last is not None and not last.restores

    def ignores_path(self, path: str) -> bool:
        """Whether ``path`` (relative, with forward slashes) is left out."""
        hits = None
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            hits = self.hits("/".join(parts[:depth]), hits)
        return self.ignores(hits or ())


def find_rules(context: Path, dockerfile: Path) -> IgnoreRules:
    """The rules beside the Dockerfile if there are any, else the context's."""
    for candidate in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore"):
        # BuildKit takes an empty file beside the Dockerfile for a missing one.
        if candidate.is_file() and candidate.stat().st_size:
            return IgnoreRules.parse(candidate.read_text(encoding="utf-8"))
    return IgnoreRules()


def _rule(line: str) -> Rule | None:
    pattern = line.strip()
    restores = pattern.startswith("!")
    pattern = pattern[1:].strip() if restores else pattern
    if not pattern:
        return None
    pattern = posixpath.normpath(pattern).lstrip("/")
    return Rule(re.compile(_regex(pattern)), restores) if pattern else None


def _regex(pattern: str) -> str:
    """Go's filepath.Match plus ``**``, as a regular expression."""
    out: list[str] = []
    rest = pattern
    while rest:
        piece, rest = _next_piece(rest)
        out.append(piece)
    return "".join(out)


def _next_piece(rest: str) -> tuple[str, str]:
    if rest.startswith("**"):
        rest = rest[2:].removeprefix("/")
        return (".*" if not rest else "(?:.*/)?"), rest
    char, rest = rest[0], rest[1:]
    if char == "*":
        return "[^/]*", rest
    if char == "?":
        return "[^/]", rest
    if char == "\\":
        return re.escape(rest[:1] or "\\"), rest[1:]
    return (f"\\{char}" if char in _REGEX_ONLY else char), rest
