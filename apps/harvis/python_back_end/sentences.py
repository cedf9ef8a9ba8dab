"""A text in pieces that an engine speaks one by one: whole sentences, several short ones together."""

from __future__ import annotations

import re
from itertools import pairwise

_LONGEST = 240
# An end of a sentence with what closes behind it, or an empty line.
_END = re.compile(r"""(?<=[.!?\u2026\u3002\uff01\uff1f])["'\u201d\u2019\u00bb)\]]*\s+|\n\s*\n""")
_BREAKS = (re.compile(r"[,;:\u2013\u2014]\s"), re.compile(r"\s"))


def in_pieces(text: str, longest: int = _LONGEST) -> list[str]:
    """No word is lost, and no piece is longer than that."""
    pieces: list[str] = []
    sentences = _sentences(text)
    # Dots and dashes between sentences are nothing to speak; a text of nothing else stays what it is.
    worded = [sentence for sentence in sentences if any(map(str.isalnum, sentence))] or sentences
    for sentence in worded:
        for part in _parts(sentence, longest):
            # The first sentence stays alone, so that it can be heard while the others are made.
            if len(pieces) > 1 and len(pieces[-1]) + 1 + len(part) <= longest:
                pieces[-1] += f" {part}"
            else:
                pieces.append(part)
    return pieces


def _sentences(text: str) -> list[str]:
    ends = [found.end() for found in _END.finditer(text)]
    cuts = [0, *ends, len(text)]
    return [part for part in (text[a:b].strip() for a, b in pairwise(cuts)) if part]


def _parts(sentence: str, longest: int) -> list[str]:
    parts = []
    while len(sentence) > longest:
        cut = _last_break(sentence[: longest + 1]) or longest
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [part for part in (*parts, sentence) if part]


def _last_break(text: str) -> int | None:
    for pattern in _BREAKS:
        places = [found.end() for found in pattern.finditer(text) if found.end() <= len(text) - 1]
        if places:
            return places[-1]
    return None
