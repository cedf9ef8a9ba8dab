"""What differs between two versions of one object, as the topmost fields that differ.

Keys of differences begin with the object's own key and go on with the field's parts. A part that stands for something
that was not there before begins with ``ADDED``, one inside a string with ``INSIDE``; neither is part of a JSON pointer.
An entry of a list is its index and, after ``NAMED``, what it is known by.
"""

from __future__ import annotations

import collections
import json
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens, decode_base64
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

Key = tuple[str, ...]
ADDED = "\x01"
INSIDE = "\x02"
NAMED = "\x03"
LONGEST_NAME = 100
_NAMES = ("name", "containerPort", "mountPath", "key", "port", "path", "host", "ip")
_KEYED_LINE = re.compile(r"\s*([\w.\-/]+)\s*[=:]")


class Comparison:
    """Collects ``changed`` keys, and in ``traced`` each leaf whose token stands in an otherwise unchanged field.

    ``added`` holds the leaves whose tokens stand in something that was not there before, with the key of each field,.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.changed: set[Key] = set()
        self.traced: set[tuple[int, Key]] = set()
        self.added: set[tuple[int, Key]] = set()

    def compare(self, base: t.Any, new: t.Any, at: Key) -> None:
        if isinstance(base, dict) and isinstance(new, dict):
            self._mappings(base, new, at)
        elif isinstance(base, list) and isinstance(new, list):
            self._lists(base, new, at)
        elif isinstance(base, dict | list) or isinstance(new, dict | list):
            self.changed.add(at)
            self.appear(new, at)
        else:
            self._scalars(base, new, at)

    def appear(self, new: t.Any, at: Key) -> None:
        """Note the tokens below something that is new."""
        if isinstance(new, dict):
            for key, value in new.items():
                self.added.update((leaf, at) for leaf in self._tokens.strip(str(key))[1])
                self.appear(value, (*at, str(key)))
        elif isinstance(new, list):
            for index, value in enumerate(new):
                self.appear(value, (*at, str(index)))
        else:
            self.added.update((leaf, at) for leaf in self._tokens.strip_value(new)[1])

    def _mappings(self, base: dict[str, t.Any], new: dict[str, t.Any], at: Key) -> None:
        plain: dict[str, tuple[str, frozenset[int]]] = {key: self._tokens.strip(str(key)) for key in new}
        renamed = {stripped: key for key, (stripped, _) in plain.items() if key not in base}
        for key, value in base.items():
            found = key if key in new else renamed.pop(str(key), None)
            if found is None:
                self.changed.add((*at, str(key)))
                continue
            self.traced.update((leaf, (*at, str(key))) for leaf in plain[found][1])
            if value is not new[found]:
                self.compare(value, new[found], (*at, str(key)))
        for key, value in new.items():
            if key not in base and plain[key][0] in renamed:
                stripped, leaves = plain[key]
                # A key with a token in it is none that the object has: the mapping itself is what changes.
                place = (*at, ADDED + stripped) if leaves else (*at, str(key))
                self.changed.add(place)
                self.added.update((leaf, place) for leaf in leaves)
                self.appear(value, place if leaves else (*at, str(key)))

    def _lists(self, base: list[t.Any], new: list[t.Any], at: Key) -> None:
        pairs, gone, come = self._align(base, new)
        for mine, theirs in pairs:
            self.compare(base[mine], new[theirs], (*at, self._part(mine, base[mine])))
        self.changed.update((*at, self._part(index, base[index])) for index in gone)
        for index in come:
            place = (*at, f"{ADDED}{self._identity(new[index])}")
            self.changed.add(place)
            self.appear(new[index], place)

    def _part(self, index: int, entry: t.Any) -> str:
        """The entry's index, and what it is known by."""
        identity = self._identity(entry)
        return f"{index}{NAMED}{identity}" if len(identity) < LONGEST_NAME else str(index)

    def _align(self, base: list[t.Any], new: list[t.Any]) -> tuple[list[tuple[int, int]], list[int], list[int]]:
        """Which entries belong together, which went and which came."""
        places: dict[str, list[int]] = {}
        for index, identity in enumerate(self._identities(new)):
            places.setdefault(identity, []).append(index)
        pairs, gone = [], []
        for index, identity in enumerate(self._identities(base)):
            if places.get(identity):
                pairs.append((index, places[identity].pop(0)))
            else:
                gone.append(index)
        return pairs, gone, sorted(index for left in places.values() for index in left)

    def _identities(self, entries: list[t.Any]) -> list[str]:
        """What each entry is known by; those that share a name (``--source=a``, ``--source=b``), by all they hold."""
        names = [self._identity(entry) for entry in entries]
        shared = {name for name, times in collections.Counter(names).items() if times > 1}
        return [self._whole(e) if name in shared else name for e, name in zip(entries, names, strict=True)]

    def _whole(self, entry: t.Any) -> str:
        return self._tokens.strip(entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True, default=str))[
            0
        ]

    def _identity(self, entry: t.Any) -> str:
        if isinstance(entry, dict):
            for key in _NAMES:
                if key in entry and not isinstance(entry[key], dict | list):
                    return f"{key}={self._tokens.strip_value(entry[key])[0]}"
        if isinstance(entry, str):
            plain = self._tokens.strip(entry)[0]
            flag = re.match(r"(--?[\w.-]+)=", plain)
            return flag[1] if flag else plain
        return self._whole(entry)

    def _scalars(self, base: t.Any, new: t.Any, at: Key) -> None:
        if base == new and isinstance(base, bool) == isinstance(new, bool):
            return
        plain, leaves = self._tokens.strip_value(new)
        if leaves and same_scalar(base, plain):
            self.traced.update((leaf, at) for leaf in leaves)
        elif isinstance(base, str) and isinstance(new, str):
            self._texts(base, new, at)
        else:
            self.changed.add(at)
            self.added.update((leaf, at) for leaf in leaves)

    def _texts(self, base: str, new: str, at: Key) -> None:
        """Text is compared by what it holds, but that it differs is noted in any case: its order may be all that
        does."""
        noted = len(self.changed) + len(self.traced)
        self._parts(base, new, at)
        if len(self.changed) + len(self.traced) == noted:
            self.changed.add((*at, INSIDE))

    def _parts(self, base: str, new: str, at: Key) -> None:
        decoded, decodes = decode_base64(base), decode_base64(new)
        if decoded is not None and decodes is not None:
            self._scalars(decoded, decodes, (*at, INSIDE))
            return
        held, holds = structure(base), structure(new)
        if held is not None and type(held) is type(holds):
            self.compare(held, holds, (*at, INSIDE))
        elif "\n" in base and "\n" in new:
            self._text_lines(base, new, at)
        else:
            self.changed.add(at)
            self.added.update((leaf, at) for leaf in self._tokens.strip_value(new)[1])

    def _text_lines(self, base: str, new: str, at: Key) -> None:
        mine, theirs = _keyed(base), _keyed(new)
        if mine is None or theirs is None:
            self._lists(base.splitlines(), new.splitlines(), (*at, INSIDE))
        else:
            self._mappings(mine, theirs, (*at, INSIDE))


def same_scalar(base: t.Any, plain: t.Any) -> bool:
    """Equal, or the same number written in two ways (a template that prints 1e+06 prints 12345 as it is)."""
    if base == plain:
        return True
    try:
        return not isinstance(base, bool) and base is not None and float(base) == float(plain)
    except (TypeError, ValueError):
        return False


def structure(text: str) -> t.Any:
    """The mapping or list that is written in a string as JSON or YAML, else None."""
    import yaml

    if text[:1] in "{[":
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            return None
    elif ":" in text and "\n" in text and len(text) < 200_000:
        try:
            held = yaml_text.load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            return None
    else:
        return None
    return held if isinstance(held, dict | list) and held else None


def _keyed(text: str) -> dict[str, str] | None:
    """Lines by the key at their beginning (``key=value``), where each has one of its own."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _KEYED_LINE.match(line)
        if not match or match[1] in found:
            return None
        found[match[1]] = line
    return found
