"""What renders say together about who changed a field."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.compare import ADDED, Key
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.evidence import Evidence, words_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observation

FILE = "x.yaml"
OBJECT: Key = (FILE, "d/ConfigMap/x")
FIELD: Key = (*OBJECT, "data", "k")
NOBODY: frozenset[Key] = frozenset()


def evidence(words: dict[int, frozenset[str]] | None = None) -> Evidence:
    return Evidence({FILE: range(6)}, words or dict.fromkeys(range(6), frozenset()))


def changed(*keys: Key, added: frozenset[tuple[int, Key]] = frozenset()) -> Observation:
    return Observation(frozenset(keys), frozenset(), added)


def test_who_is_changed_whenever_the_field_changes_did_it() -> None:
    said = evidence()
    said.add([0, 1], changed(FIELD))
    said.add([1, 2], changed(FIELD))
    said.add([0, 2], changed())

    assert said.explain().proved == {1: {FIELD}}


def test_two_that_cannot_be_told_apart_are_both_needed() -> None:
    said = evidence()
    said.add([0, 1], changed(FIELD))

    explained = said.explain()

    assert explained.proved == {}
    assert explained.needed == {0: {FIELD}, 1: {FIELD}}


def test_words_of_the_field_say_who_is_tried_first() -> None:
    said = evidence({leaf: words_of(path) for leaf, path in enumerate([("data", "k1"), ("data", "k"), *[()] * 4])})
    said.add([0, 1], changed((*OBJECT, "data", "k1")))

    explained = said.explain()

    assert list(explained.needed) == [0]
    assert list(explained.spare) == [1]


def test_who_may_have_changed_what_another_one_explains_is_spare() -> None:
    said = evidence()
    said.add([0], changed(FIELD))
    said.add([0, 1], changed(FIELD))

    explained = said.explain()

    assert explained.proved == {0: {FIELD}}
    assert explained.spare == {1: {FIELD}}


def test_nothing_is_said_of_a_field_whose_object_was_taken_away() -> None:
    said = evidence()
    said.add([0, 1], changed(FIELD))
    said.add([0, 2], changed(OBJECT))
    said.add([1], changed())

    assert said.explain().proved[0] == {FIELD}


def test_a_token_in_what_came_tells_whose_it_is() -> None:
    came = (*OBJECT, "data", f"{ADDED}k")
    said = evidence()
    said.add([0, 1], changed(came, added=frozenset({(1, (*came, "deep"))})))
    said.add([0, 1, 2], changed(came, added=frozenset({(1, came)})))

    explained = said.explain()

    assert explained.proved == {1: {came}}
    assert explained.spare == {0: {came}, 2: {came}}


def test_what_only_two_do_together_is_nobodys() -> None:
    said = evidence()
    said.add([0], changed())
    said.add([1], changed())
    said.add([0, 1], changed(FIELD))

    explained = said.explain()

    assert not explained.proved
    assert not explained.needed
    assert list(explained.unexplained) == [FIELD]


def test_an_effect_that_another_leaf_hid_once_is_tried_again() -> None:
    said = evidence()
    said.add([0, 1], changed(FIELD))
    said.add([0, 2], changed(FIELD))
    said.add([0, 3], changed())
    said.add([1], changed())
    said.add([2], changed())

    assert said.explain().unexplained == {FIELD: [0]}


@pytest.mark.parametrize("known", ["alone", "broken"])
def test_what_is_known_explains_what_it_was_part_of(known: str) -> None:
    said = evidence()
    said.add([0, 1], changed(FIELD))
    said.add([1], changed())
    if known == "alone":
        said.alone[0] = frozenset({FIELD})
    else:
        said.broken.add(0)

    explained = said.explain()

    assert not explained.proved
    assert not explained.unexplained
