"""Finding the leaves' tokens in rendered text, and taking them out again."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import Perturbation

_TOKEN = re.compile(r"zq(\d{5})x|(?<!\d)(\d{5})(?:\.5(?!\d))?(?!\d)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_LAST_DIGITS = re.compile(r"\d+(?=\D*$)")


class Tokens:
    """Knows which leaf every token belongs to, and what stood in its place."""

    def __init__(self, perturbed: t.Sequence[Perturbation]) -> None:
        self._index = {each.number: each.index for each in perturbed}
        self._digits = {each.number: _digits_of(each.base) for each in perturbed}

    def strip(self, text: str) -> tuple[str, frozenset[int]]:
        """``text`` as it was before the changes, and the leaves whose tokens were in it."""
        found: set[int] = set()

        def back(match: re.Match[str]) -> str:
            number = match[1] or match[2]
            if number not in self._index:
                return match[0]
            found.add(self._index[number])
            return "" if match[1] else self._digits[number]

        return _TOKEN.sub(back, text), frozenset(found)

    def strip_value(self, value: t.Any) -> tuple[t.Any, frozenset[int]]:
        """The same for a parsed scalar; text in base64 is looked into."""
        if isinstance(value, str):
            plain, found = self.strip(value)
            return (plain, found) if found else self._strip_base64(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            plain, found = self.strip(repr(value))
            return (_number(plain), found) if found else (value, found)
        return value, frozenset()

    def strip_all(self, value: t.Any) -> t.Any:
        """A parsed document without tokens, in keys too."""
        if isinstance(value, dict):
            return {self.strip(str(key))[0]: self.strip_all(below) for key, below in value.items()}
        if isinstance(value, list):
            return [self.strip_all(below) for below in value]
        return self.strip_value(value)[0]

    def _strip_base64(self, value: str) -> tuple[str, frozenset[int]]:
        text = decode_base64(value)
        plain, found = self.strip(text) if text is not None else (value, frozenset())
        return (base64.b64encode(plain.encode()).decode(), found) if found else (value, frozenset())


def decode_base64(value: str) -> str | None:
    """The text that is written in base64, else None."""
    if len(value) % 4 or not _BASE64.fullmatch(value):
        return None
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _digits_of(base: t.Any) -> str:
    """What the leaf's number stands for in a quantity, a version, or a number itself."""
    if isinstance(base, str):
        match = _LAST_DIGITS.search(base)
        return match[0] if match else ""
    if isinstance(base, bool) or not isinstance(base, int | float):
        return ""
    return repr(int(base)) if base == int(base) else repr(base)


def _number(text: str) -> t.Any:
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text
