"""Which texts templates compare values with."""

from __future__ import annotations

import re

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMPARES = re.compile(r"\b(?:eq|ne|has|contains|hasPrefix|hasSuffix)\b")
_TEXT = r'"([^"\\]*)"'
_FIELD_AND_TEXTS = re.compile(rf"\.(\w+)\)?\s+(?:\(?list\s+)?((?:{_TEXT}\s*)+)")
_TEXT_AND_FIELD = re.compile(rf"{_TEXT}\s+\(?[$.\w]*\.(\w+)")


def compared_with(templates: str) -> dict[str, set[str]]:
    """The last word of a path → the texts that stand beside it in a comparison."""
    found: dict[str, set[str]] = {}
    for action in _ACTION.findall(templates):
        if _COMPARES.search(action):
            for match in _FIELD_AND_TEXTS.finditer(action):
                found.setdefault(match[1], set()).update(re.findall(_TEXT, match[2]))
            for literal, word in _TEXT_AND_FIELD.findall(action):
                found.setdefault(word, set()).add(literal)
    return found
