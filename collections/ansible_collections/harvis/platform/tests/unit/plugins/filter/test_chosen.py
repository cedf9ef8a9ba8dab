from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.filter.chosen import FilterModule, chosen


@pytest.mark.parametrize(
    ("run_tags", "tags", "expected"),
    [
        (["all"], ["release"], True),
        (["tagged"], ["release"], True),
        (["release", "verify"], ["images", "release"], True),
        (["verify"], ["images", "release"], False),
        (["untagged"], ["release"], False),
    ],
)
def test_a_part_is_chosen_by_one_of_its_tags(run_tags: list[str], tags: list[str], expected: bool) -> None:
    assert chosen(run_tags, *tags) is expected


def test_it_is_a_filter() -> None:
    assert FilterModule().filters() == {"chosen": chosen}
