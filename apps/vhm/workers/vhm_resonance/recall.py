"""Which memories answer a query, and how strongly: filter, score, and choose diverse ones first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
from vhm_common_utils.data_models import RecallRequest, ResonanceBeat
from vhm_common_utils.embedding import human_age
from vhm_common_utils.store import Hit

DECAY_PER_DAY = 0.002
YOUNGEST = timedelta(seconds=5)
HIGHEST_SALIENCE = 2.5
FIRST_DEPTH = 64
DEPTH_FACTOR = 4
ENOUGH_DEPTH = 1024
_VECTOR_BATCH = 32

Vector = Sequence[float]


class SearchesAnchors(Protocol):
    """What recall needs of the store."""

    def search(self, vector: Vector, limit: int) -> list[Hit]: ...

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


def recall(
    request: RecallRequest, query_vector: Vector, store: SearchesAnchors, settings: RecallSettings
) -> list[ResonanceBeat]:
    """Search deeper until the answer is full and no anchor further down could change it, or the store is exhausted."""
    limit = min(settings.max_beats, request.top_k)
    vector_of = _VectorCache(store)
    depth = FIRST_DEPTH
    while True:
        hits = store.search(query_vector, depth)
        choice = choose(rank(hits, request), limit, settings.diversity_threshold, vector_of)
        if len(hits) < depth or _is_settled(choice, limit, hits, depth):
            return [candidate.to_beat() for candidate in choice.all]
        depth *= DEPTH_FACTOR


def _is_settled(choice: Choice, limit: int, hits: Sequence[Hit], depth: int) -> bool:
    if len(choice.all) < limit:
        return False
    if depth >= ENOUGH_DEPTH:
        return True
    # Hits come by similarity, so no unseen anchor can be activated beyond this.
    ceiling = max(0.0, hits[-1].similarity * HIGHEST_SALIENCE)
    return len(choice.diverse) == limit and choice.diverse[-1].activation >= ceiling


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
    taken: list[Vector] = []
    for index, candidate in enumerate(candidates):
        if len(diverse) == limit:
            break
        vector = vector_of(candidates, index)
        if vector is None:
            # Deleted between the search and this look.
            continue
        if all(cosine(vector, other) < threshold for other in taken):
            diverse.append(candidate)
            taken.append(vector)
        else:
            others.append(candidate)
    return Choice(diverse, others[: limit - len(diverse)])


def cosine(one: Vector, other: Vector) -> float:
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


class _VectorCache:
    """Reads vectors in batches as the choice reaches them: most candidates are never looked at."""

    def __init__(self, store: SearchesAnchors) -> None:
        self._store = store
        self._known: dict[str, Vector | None] = {}

    def __call__(self, candidates: Sequence[Candidate], index: int) -> Vector | None:
        anchor_id = candidates[index].anchor_id
        if anchor_id not in self._known:
            ahead = [one.anchor_id for one in candidates[index : index + _VECTOR_BATCH]]
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
