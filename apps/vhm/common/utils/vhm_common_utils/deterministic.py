"""An embedding without a model: hashed words and letter groups, the same on every machine.

Texts that share words or parts of words lie close together. It knows nothing of meaning.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

_WORD = re.compile(r"\w+", re.UNICODE)
_WORD_WEIGHT = 1.0
_PART_WEIGHT = 0.4
_PART_LENGTH = 3


def deterministic_embed(text: str, dim: int) -> list[float]:
    """A unit vector of `dim` numbers; equal for texts that differ only in case, spacing and punctuation."""
    if dim < 1:
        raise ValueError(f"an embedding needs at least one dimension, not {dim}")
    counts = Counter(_features(text))
    vector = [0.0] * dim
    for (feature, weight), count in counts.items():
        index, sign = _bucket(feature, dim)
        # The logarithm keeps one repeated word from drowning all others.
        vector[index] += sign * weight * (1.0 + math.log(count))
    return _normalised(vector)


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    for word in words:
        yield f"word:{word}", _WORD_WEIGHT
        padded = f"^{word}$"
        for start in range(len(padded) - _PART_LENGTH + 1):
            yield f"part:{padded[start : start + _PART_LENGTH]}", _PART_WEIGHT
    if not words:
        # Signs alone, such as an emoji: the text as a whole is its only feature.
        yield f"text:{text.strip()}", _WORD_WEIGHT


def _bucket(feature: str, dim: int) -> tuple[int, float]:
    digest = hashlib.blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    return (number >> 1) % dim, 1.0 if number & 1 else -1.0


def _normalised(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0.0:
        # Features can cancel each other out; cosine distance needs a vector with a direction.
        return [1.0] + [0.0] * (len(vector) - 1)
    return [value / length for value in vector]
