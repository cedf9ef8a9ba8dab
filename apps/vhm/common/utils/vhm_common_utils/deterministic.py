"""An embedding without a model: hashed words and letter groups, the same on every machine.

Texts that share words or parts of words lie close together. It knows nothing of meaning.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

import numpy as np

_WORD = re.compile(r"\w+", re.UNICODE)
_WORD_WEIGHT = 1.0
_PART_WEIGHT = 0.4
_PART_LENGTH = 3
_WHOLE, _PART, _TEXT = "word:", "part:", "text:"
_REMEMBERED = 65_536


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


def deterministic_embed_many(texts: Sequence[str], dim: int) -> list[list[float]]:
    """What `deterministic_embed` gives for each text, bit by bit, in a fraction of the time."""
    if dim < 1:
        raise ValueError(f"an embedding needs at least one dimension, not {dim}")
    buckets = _buckets_of(dim)
    places: list[int] = []
    signed: list[float] = []
    counted: list[int] = []
    for row, text in enumerate(texts):
        counts = Counter(_names(text))
        found = [buckets[name] for name in counts]
        places += [row * dim + index for index, _ in found]
        signed += [weight for _, weight in found]
        counted += counts.values()
    # As in the plain form the logarithm comes from `math`: numpy's may differ in the last bit.
    factors = {count: 1.0 + math.log(count) for count in set(counted)}
    weights = np.asarray(signed, dtype=float) * np.asarray([factors[count] for count in counted], dtype=float)
    # Adds in the order of the list, as the plain form does: a sum of floats depends on it.
    sums = np.bincount(np.asarray(places, dtype=np.intp), weights=weights, minlength=len(texts) * dim)
    rows = sums.reshape(len(texts), dim)
    # Python's own sum, which adds in another way than numpy's.
    lengths = [math.sqrt(sum(squares)) for squares in (rows * rows).tolist()]
    return [
        (row / length).tolist() if length else _normalised(row.tolist())
        for row, length in zip(rows, lengths, strict=True)
    ]


def _names(text: str) -> Iterator[str]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return chain.from_iterable(map(_names_of_word, words)) if words else iter([f"{_TEXT}{text.strip()}"])


@lru_cache(maxsize=16_384)
def _names_of_word(word: str) -> tuple[str, ...]:
    return tuple(name for name, _ in _word_features(word))


class _Buckets(dict[str, tuple[int, float]]):
    """Each feature's place and signed weight. Texts share most features, and a look-up costs a tenth of a hash."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self._dim = dim

    def __missing__(self, name: str) -> tuple[int, float]:
        if len(self) >= _REMEMBERED:
            self.clear()
        index, sign = _bucket(name, self._dim)
        found = self[name] = index, sign * (_PART_WEIGHT if name.startswith(_PART) else _WORD_WEIGHT)
        return found


@lru_cache(maxsize=2)
def _buckets_of(dim: int) -> _Buckets:
    return _Buckets(dim)


def _word_features(word: str) -> Iterator[tuple[str, float]]:
    yield f"{_WHOLE}{word}", _WORD_WEIGHT
    padded = f"^{word}$"
    for start in range(len(padded) - _PART_LENGTH + 1):
        yield f"{_PART}{padded[start : start + _PART_LENGTH]}", _PART_WEIGHT


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    for word in words:
        yield from _word_features(word)
    if not words:
        # Signs alone, such as an emoji: the text as a whole is its only feature.
        yield f"{_TEXT}{text.strip()}", _WORD_WEIGHT


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
