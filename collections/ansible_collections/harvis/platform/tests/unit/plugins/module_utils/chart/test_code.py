"""A field's pattern of change tells its leaf, and costs few renders."""

from __future__ import annotations

import math

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.code import code, codewords, colouring

ONE_TEMPLATE = frozenset({"x.yaml"})


def patterns(sets: list[frozenset[int]], count: int) -> list[tuple[bool, ...]]:
    return [tuple(leaf in each for each in sets) for leaf in range(count)]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 21, 150, 400, 5000])
def test_leaves_that_meet_have_patterns_of_their_own(count: int) -> None:
    sets = code(range(count), dict.fromkeys(range(count), ONE_TEMPLATE))

    assert len(set(patterns(sets, count))) == count
    assert all(any(pattern) for pattern in patterns(sets, count))


@pytest.mark.parametrize("count", [10, 100, 1000, 5000])
def test_renders_grow_with_the_logarithm(count: int) -> None:
    sets = code(range(count), dict.fromkeys(range(count), ONE_TEMPLATE))

    assert len(sets) <= 2 * math.log2(count) + 2


def test_most_leaves_stay_as_they_are() -> None:
    sets = code(range(150), dict.fromkeys(range(150), ONE_TEMPLATE))

    assert max(map(len, sets)) < 150 / 3


def test_leaves_that_do_not_meet_share_a_render() -> None:
    assert code(range(9), {leaf: {f"{leaf}.yaml"} for leaf in range(9)}) == [frozenset(range(9))]


def test_a_colour_is_shared_by_none_that_meet() -> None:
    meets = {0: {"a", "b"}, 1: {"a"}, 2: {"b"}, 3: {"c"}}

    colours = colouring(range(4), meets)

    assert colours[0] not in (colours[1], colours[2])
    assert len(set(colours.values())) == 2


def test_the_same_code_every_time() -> None:
    assert codewords(100) == codewords(100)


def test_too_many_leaves_are_refused() -> None:
    with pytest.raises(ValueError, match="no code for"):
        codewords(10**8)
