"""Kubernetes' quantities as numbers (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).

The official client parses them too, but importing it takes longer than a whole audit.
"""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal

_DECIMAL = {suffix: Decimal(10) ** power for suffix, power in zip("num kMGTPE", range(-9, 19, 3), strict=True)}
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_FACTORS = {**_DECIMAL, **_BINARY, "": Decimal(1)}
_SHAPE = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?:[eE](?P<power>[+-]?\d{1,3})|(?P<suffix>[KMGTPE]i|[numkMGTPE])?)"
)


def quantity(text: t.Any) -> Decimal:
    """The number that ``text`` (``500m``, ``2Gi``, ``1e3``, ``4``) stands for. Raises ValueError for anything else."""
    match = None if isinstance(text, bool) else _SHAPE.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is no quantity")
    number = Decimal(match["number"])
    return number.scaleb(int(match["power"])) if match["power"] else number * _FACTORS[match["suffix"] or ""]


def quantity_or_none(text: t.Any) -> Decimal | None:
    """As ``quantity``; None for what is none, which a detector of its own names."""
    try:
        return quantity(text)
    except ValueError:
        return None


def shown_bytes(amount: Decimal | int) -> str:
    """Bytes for people: ``6.5Gi``, ``512Mi``."""
    for suffix in ("Ti", "Gi", "Mi", "Ki"):
        if amount >= _BINARY[suffix]:
            return f"{float(amount / _BINARY[suffix]):.4g}{suffix}"
    return str(amount)
