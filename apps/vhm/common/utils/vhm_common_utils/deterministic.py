"""An embedding without a model: hashed words and letter groups, the same on every machine.

Texts that share words or parts of words lie close together. It knows nothing of meaning.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from array import array
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
    vocabulary = _vocabulary_of(dim)
    if len(vocabulary) > _REMEMBERED:
        _vocabulary_of.cache_clear()
        vocabulary = _vocabulary_of(dim)
    numbers: list[int] = []
    counted: list[int] = []
    lengths = []
    for text in texts:
        counts = Counter(_names(text))
        numbers += map(vocabulary.__getitem__, counts)
        counted += counts.values()
        lengths.append(len(counts))
    found = np.asarray(numbers, dtype=np.intp)
    places = np.repeat(np.arange(len(texts)) * dim, lengths) + np.array(vocabulary.buckets)[found]
    # As in the plain form the logarithm comes from `math`: numpy's may differ in the last bit.
    factors = np.asarray([0.0, *(1.0 + math.log(count) for count in range(1, max(counted, default=0) + 1))])
    weights = np.array(vocabulary.weights)[found] * factors[counted]
    # Adds in the order of the list, as the plain form does: a sum of floats depends on it.
    sums = np.bincount(places, weights=weights, minlength=len(texts) * dim).reshape(len(texts), dim)
    # Python's own sum, which adds in another way than numpy's.
    norms = np.asarray([math.sqrt(sum(squares)) for squares in (sums * sums).tolist()])
    sums[norms == 0.0] = _normalised([0.0] * dim)
    norms[norms == 0.0] = 1.0
    vectors: list[list[float]] = (sums / norms[:, None]).tolist()
    return vectors


def _names(text: str) -> Iterator[str]:
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return chain.from_iterable(map(_names_of_word, words)) if words else iter([f"{_TEXT}{text.strip()}"])


@lru_cache(maxsize=16_384)
def _names_of_word(word: str) -> tuple[str, ...]:
    return tuple(name for name, _ in _word_features(word))


class _Vocabulary(dict[str, int]):
    """A number for each feature met, under which its place and signed weight are kept.

    Texts share most of their features, and a look-up costs a tenth of a hash.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self._dim = dim
        self.buckets = array("q")
        self.weights = array("d")

    def __missing__(self, name: str) -> int:
        index, sign = _bucket(name, self._dim)
        self.buckets.append(index)
        self.weights.append(sign * (_PART_WEIGHT if name.startswith(_PART) else _WORD_WEIGHT))
        number = self[name] = len(self)
        return number


@lru_cache(maxsize=2)
def _vocabulary_of(dim: int) -> _Vocabulary:
    return _Vocabulary(dim)


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
