"""Names as people mean them: the words in them, and which known name was probably meant."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
ALIKE = 0.75


def words(name: str) -> tuple[str, ...]:
    """``mergedOllamaBackend`` and ``merged-ollama-backend`` are the same words."""
    return tuple(word.lower() for word in _WORD.findall(name))


def shared_words(wanted: tuple[str, ...], name: str) -> int:
    """How many words, if ``name`` has all of ``wanted`` in a row; else 0."""
    found = words(name)
    starts = range(len(found) - len(wanted) + 1)
    return len(wanted) if wanted and any(found[at : at + len(wanted)] == wanted for at in starts) else 0


def nearest_key(key: str, known: t.Iterable[str]) -> str:
    """The known key that ``key`` is probably a misspelling of, or ''."""
    folded = {"".join(words(name)) or name: name for name in known if isinstance(name, str) and name != key}
    found = difflib.get_close_matches("".join(words(key)) or key, list(folded), n=1, cutoff=ALIKE)
    return folded[found[0]] if found else ""


def nearest_path(path: ValuePath, known: t.Iterable[ValuePath]) -> ValuePath:
    """The known path that looks most like it, or ()."""
    texts = {dotted(one): one for one in known if one != path}
    same_end = {text: one for text, one in texts.items() if one and one[-1] == path[-1]}
    for candidates in (same_end, texts):
        if found := difflib.get_close_matches(dotted(path), list(candidates), n=1, cutoff=0.6):
            return candidates[found[0]]
    return ()
