"""Which memories answer a query, and how strongly: filter, score, and choose diverse ones first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from vhm_common_utils.data_models import RecallRequest, ResonanceBeat
from vhm_common_utils.embedding import human_age
from vhm_common_utils.store import Hit

DECAY_PER_DAY = 0.002
YOUNGEST = timedelta(seconds=5)
HIGHEST_SALIENCE = 2.5
FIRST_DEPTH = 64
DEPTH_FACTOR = 4
ENOUGH_DEPTH = 1024
# Older writers noted no salience, and the model's default stands for it: only above it can the store be asked for more.
_UNSAID_SALIENCE = 1.0
# A bound that is rounded must not leave out an anchor that reaches it.
_SLACK = 1.0 - 1e-6
_FIRST_VECTORS = 8

Vector = Sequence[float]


class SearchesAnchors(Protocol):
    """What recall needs of the store."""

    def search(self, vector: Vector, limit: int, *, least_salience: float | None = None) -> list[Hit]: ...

    def vectors(self, anchor_ids: Iterable[str]) -> Mapping[str, Vector]: ...


@dataclass(frozen=True)
class RecallSettings:
    """Bounds on an answer."""

    max_beats: int
    diversity_threshold: float


@dataclass(frozen=True)
class Candidate:
    """An anchor that may answer."""

    anchor_id: str
    text: str
    age: timedelta
    activation: float

    def to_beat(self) -> ResonanceBeat:
        return ResonanceBeat.model_validate(
            {
                "anchor_id": self.anchor_id,
                "text": self.text,
                "perceived_age": human_age(self.age),
                "activation": self.activation,
            }
        )


@dataclass(frozen=True)
class Choice:
    """The diverse candidates, then those that fill up."""

    diverse: list[Candidate]
    fillers: list[Candidate]

    @property
    def all(self) -> list[Candidate]:
        return [*self.diverse, *self.fillers]


@dataclass(frozen=True)
class Look:
    """What the store is asked for: so many of the nearest, or so many of the nearest that are salient enough."""

    depth: int = FIRST_DEPTH
    least_salience: float | None = None
    furthest: float = math.inf
    """The similarity of the last one seen of all the nearest."""


def recall(
    request: RecallRequest, query_vector: Vector, store: SearchesAnchors, settings: RecallSettings
) -> list[ResonanceBeat]:
    """Search until the answer is full and no anchor that was not seen could change it, or the store is exhausted."""
    limit = min(settings.max_beats, request.top_k)
    vector_of = _VectorCache(store)
    seen: dict[str, Hit] = {}
    look: Look | None = Look()
    while look is not None:
        hits = store.search(query_vector, look.depth, least_salience=look.least_salience)
        seen.update((hit.anchor_id, hit) for hit in hits)
        choice = choose(rank(seen.values(), request), limit, settings.diversity_threshold, vector_of)
        look = _next_look(look, hits, choice, limit)
    return [candidate.to_beat() for candidate in choice.all]


def _next_look(look: Look, hits: Sequence[Hit], choice: Choice, limit: int) -> Look | None:
    """Where an anchor that was not seen yet could take a place; None where none could, or enough was looked at."""
    is_exhausted = len(hits) < look.depth
    if look.least_salience is None and is_exhausted:
        return None
    furthest = hits[-1].similarity if look.least_salience is None else look.furthest
    needed = _needed_salience(choice, limit, furthest)
    if needed >= HIGHEST_SALIENCE:
        return None
    is_done = is_exhausted or _needed_salience(choice, limit, hits[-1].similarity) >= HIGHEST_SALIENCE
    # Whoever comes in may push out more than one, and then even the less salient have a chance again.
    if look.least_salience is not None and needed >= look.least_salience and is_done:
        return None
    if look.depth >= ENOUGH_DEPTH and len(choice.all) == limit:
        return None
    if needed <= _UNSAID_SALIENCE:
        return Look(look.depth * DEPTH_FACTOR)
    depth = look.depth if look.least_salience is None else look.depth * DEPTH_FACTOR
    return Look(depth, needed * _SLACK, furthest)


def _needed_salience(choice: Choice, limit: int, furthest: float) -> float:
    """What an anchor must have to take a place if it is no more similar than this: age only weakens."""
    weakest = choice.diverse[-1].activation if len(choice.diverse) == limit else 0.0
    if weakest <= 0.0:
        return 0.0
    return weakest / furthest if furthest > 0.0 else math.inf


def rank(hits: Iterable[Hit], request: RecallRequest) -> list[Candidate]:
    """The anchors that may answer, strongest first, each text once."""
    ignored = {str(anchor_id) for anchor_id in request.ignore_anchor_ids}
    eligible = (_candidate(hit, request) for hit in hits if hit.anchor_id not in ignored)
    ordered = sorted(filter(None, eligible), key=lambda one: (-one.activation, one.age, one.anchor_id))
    seen: set[str] = set()
    return [one for one in ordered if not _seen_before(one.text, seen)]


def _seen_before(text: str, seen: set[str]) -> bool:
    key = text.strip().casefold()
    known = key in seen
    seen.add(key)
    return known


def _candidate(hit: Hit, request: RecallRequest) -> Candidate | None:
    text, stored_at = hit.payload.get("text"), _moment(hit.payload.get("stored_at"))
    if not isinstance(text, str) or not text.strip() or stored_at is None:
        return None
    if request.session_id is not None and _session(hit.payload) == request.session_id:
        return None
    age = request.now - stored_at
    if age < YOUNGEST:
        return None
    return Candidate(hit.anchor_id, text, age, activation(hit.similarity, age, _salience(hit.payload)))


def activation(similarity: float, age: timedelta, salience: float) -> float:
    return similarity * math.exp(-DECAY_PER_DAY * age.days) * salience


def choose(
    candidates: Sequence[Candidate],
    limit: int,
    threshold: float,
    vector_of: Callable[[Sequence[Candidate], int], Vector | None],
) -> Choice:
    """Take each candidate that is unlike all taken before it; fill up with the strongest of the others."""
    diverse: list[Candidate] = []
    others: list[Candidate] = []
    taken: npt.NDArray[np.float64] | None = None
    for index, candidate in enumerate(candidates):
        if len(diverse) == limit:
            break
        vector = vector_of(candidates, index)
        if vector is None:
            # Deleted between the search and this look.
            continue
        direction = _direction(vector)
        if taken is None:
            taken = np.empty((limit, len(direction)))
        if np.all(taken[: len(diverse)] @ direction < threshold):
            taken[len(diverse)] = direction
            diverse.append(candidate)
        else:
            others.append(candidate)
    return Choice(diverse, others[: limit - len(diverse)])


def _direction(vector: Vector) -> npt.NDArray[np.float64]:
    """Of length one, so that a product is a cosine; a vector without a direction is like no other."""
    numbers = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(numbers))
    return numbers / length if length else numbers


class _VectorCache:
    """Reads vectors in batches as the choice reaches them, each twice the last: most are never looked at."""

    def __init__(self, store: SearchesAnchors) -> None:
        self._store = store
        self._known: dict[str, Vector | None] = {}
        self._batch = _FIRST_VECTORS

    def __call__(self, candidates: Sequence[Candidate], index: int) -> Vector | None:
        anchor_id = candidates[index].anchor_id
        if anchor_id not in self._known:
            ahead = [one.anchor_id for one in candidates[index : index + self._batch]]
            self._batch *= 2
            wanted = [one for one in ahead if one not in self._known]
            self._known.update(dict.fromkeys(wanted) | dict(self._store.vectors(wanted)))
        return self._known[anchor_id]


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _session(payload: Mapping[str, Any]) -> Any:
    meta = payload.get("meta")
    return meta.get("session") if isinstance(meta, Mapping) else None


def _salience(payload: Mapping[str, Any]) -> float:
    """Anchors of older writers hold no salience; the model's default stands for it."""
    value = payload.get("salience")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 1.0
