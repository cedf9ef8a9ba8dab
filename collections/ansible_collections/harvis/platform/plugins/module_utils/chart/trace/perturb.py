"""What each leaf is changed to: another value of its own type that can be recognised in rendered text.

A string gets a suffix (``web`` → ``webzq12345x``), a number or quantity other digits (``500m`` → ``12345m``);
removing the
suffix or putting the digits back gives the text that was there before. Each leaf has digits of its own.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.comparisons import compared_with

FIRST_NUMBER = 10_000
LAST_NUMBER = 60_000  # still a port
_NUMERIC = re.compile(r"[vV]?\d+(?:\.\d+)*[A-Za-z%]{0,3}")
_LAST_DIGITS = re.compile(r"\d+(?=\D*$)")
_OPPOSITE = {"true": "false", "false": "true", "yes": "no", "no": "yes", "on": "off", "off": "on"}
# In such an action a number says how often: 12345 copies of something would take minutes.
_COUNTING = re.compile(r"\{\{(?:(?!\}\}).)*?\b(?:until|untilStep|seq|repeat|rand\w+)\b.*?\}\}", re.DOTALL)


@dataclass(frozen=True)
class Perturbation:
    """``values`` are the changed values in the order in which they are tried.

    A ``switch`` changes what a condition sees (``if``), and ``opens`` says in which direction: from false or empty to
    something. ``plain`` leaves stay what they are to every condition but a comparison.
    """

    index: int
    path: ValuePath
    number: str
    values: tuple[t.Any, ...]
    base: t.Any
    switch: bool
    opens: bool

    @property
    def has_token(self) -> bool:
        """Whether the first value that is tried can be recognised."""
        return self.number in str(self.values[0])


def perturbations(leaves: t.Mapping[ValuePath, Leaf], used: str, templates: str) -> list[Perturbation]:
    """One for each leaf, in their order. ``used`` is text in which no number of ours may occur already."""
    taken = set(re.findall(r"(?=(\d{5}))", used))
    numbers = (str(n) for n in range(FIRST_NUMBER, LAST_NUMBER) if str(n) not in taken)
    compared = compared_with(templates)
    counting = set(re.findall(r"\w+", " ".join(_COUNTING.findall(templates))))
    return [
        _perturbation(index, leaf, number, leaf.path[-1] in counting, compared.get(str(leaf.path[-1]), frozenset()))
        for index, (leaf, number) in enumerate(zip(leaves.values(), numbers, strict=False))
    ]


def _perturbation(index: int, leaf: Leaf, number: str, counting: bool, compared: t.Collection[str]) -> Perturbation:
    value = leaf.value
    opens = not value
    if isinstance(value, bool):
        values: tuple[t.Any, ...] = (not value,)
        switch = True
    elif isinstance(value, str):
        values, switch = _strings(value, number), not value or value.lower() in _OPPOSITE or value in compared
        opens = opens or (value.lower() in _OPPOSITE and _OPPOSITE[value.lower()] in ("true", "yes", "on"))
    elif isinstance(value, int | float):
        values, switch = _numbers(value, number, counting), not value
    else:
        values, switch = _empties(value, f"zq{number}x"), True
    return Perturbation(index, leaf.path, number, values, value, switch, opens)


def _strings(value: str, number: str) -> tuple[t.Any, ...]:
    token = f"zq{number}x"
    if not value:
        return token, number
    body = value.rstrip("\n")
    suffixed = body + token + value[len(body) :]
    digits = _LAST_DIGITS.sub(number, value, count=1)
    opposite = _OPPOSITE.get(value.lower())
    if opposite:
        return opposite, suffixed
    ordered = (digits, suffixed) if _NUMERIC.fullmatch(value) else (suffixed, digits, *_inside_json(body, token))
    return tuple(dict.fromkeys(other for other in ordered if other != value))


def _inside_json(text: str, token: str) -> tuple[str, ...]:
    """A string of JSON that a template reads (``fromJson``) must stay JSON."""
    try:
        held = json.loads(text)
    except ValueError:
        return ()
    if isinstance(held, dict):
        return (json.dumps({**held, token: token}),)
    return (json.dumps([*held, token]),) if isinstance(held, list) else ()


def _numbers(value: float, number: str, counting: bool) -> tuple[t.Any, ...]:
    if isinstance(value, int):
        near = value + 1
        return (near, int(number)) if counting and abs(value) < 100 else (int(number), near)
    return int(number) + 0.5, value / 2 if value else 0.5


def _empties(value: t.Any, token: str) -> tuple[t.Any, ...]:
    mapping, nested = {token: token}, {token: {token: token}}
    if isinstance(value, dict):
        return mapping, nested
    if isinstance(value, list):
        return [token], [{"name": token}], [mapping]
    return token, mapping, [token], int(token[2:-1]), True
