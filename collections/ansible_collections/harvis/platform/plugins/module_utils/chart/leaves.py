"""Leaves of values, and how a path in values is written."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

ValuePath = tuple[str | int, ...]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def dotted(path: t.Iterable[str | int]) -> str:
    """As people write it: ``a.b[0]``, and ``limits["nvidia.com/gpu"]`` for a key that is no plain word."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


@dataclass(frozen=True)
class Leaf:
    """A scalar in values, or an empty map or list, with the file and line (from 1) where it was set last.

    ``path`` begins at the root chart's values, also for a subchart's (``("sub", "image", "tag")``). ``override`` leaves
    come from a file of the operator's, the others from a chart's own ``values.yaml``.
    """

    path: ValuePath
    value: t.Any
    file: str
    line: int
    override: bool = False

    @property
    def name(self) -> str:
        return dotted(self.path)
