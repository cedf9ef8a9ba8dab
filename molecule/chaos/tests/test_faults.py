"""One fault after another: survived, or named by ``verify.yml`` at its first run and mended by ``recover.yml``."""

from __future__ import annotations

import os
import re
import time

import pytest
from faults import FAULTS, Fault
from harness import Platform
from table import Entry, Table

SURVIVED = "survived"
# Names, by commas; a shorter choice for runs that have little time.
ONLY = [name.strip() for name in os.environ.get("HARVIS_CHAOS_ONLY", "").split(",") if name.strip()]
CHOSEN = [fault for fault in FAULTS if not ONLY or fault.name in ONLY]


@pytest.mark.parametrize("fault", CHOSEN, ids=lambda fault: fault.name.replace(" ", "-"))
def test_fault(fault: Fault, platform: Platform, table: Table) -> None:
    table.drop(fault.name)
    fault.act(platform)
    made = time.monotonic()
    time.sleep(fault.noticed)
    try:
        table.add(_named_and_mended(fault, platform) if fault.expects else _survived(fault, platform, made))
    except BaseException:
        # What was not as expected must not become part of the next fault.
        platform.playbook("recover")
        raise


def _survived(fault: Fault, platform: Platform, made: float) -> Entry:
    time.sleep(3)
    assert platform.settle(fault.seconds), "not ready again by itself"
    seconds = time.monotonic() - made
    proof = platform.playbook("verify")
    assert proof.rc == 0, proof.said
    return Entry(fault.name, SURVIVED, SURVIVED, None, seconds)


def _named_and_mended(fault: Fault, platform: Platform) -> Entry:
    try:
        look = platform.playbook("verify")
        seen = [word for word in fault.expects if _says(look.said, word)]
        assert look.rc != 0, look.said
        assert seen, look.said
        if fault.refused:
            stopped = platform.playbook("recover")
            assert stopped.rc != 0, stopped.said
            assert _says(stopped.said, fault.refused), stopped.said
            seen.append(f"{fault.refused} by recover.yml")
    finally:
        if fault.person:
            fault.person[1](platform)
        if fault.tidy:
            fault.tidy(platform)
    mended = platform.playbook("recover")
    assert mended.rc == 0, mended.said
    words = fault.person[0] if fault.person else ""
    expected = " or ".join(fault.expects)
    return Entry(fault.name, expected, ", ".join(seen), look.seconds, mended.seconds, words)


def _says(said: str, word: str) -> bool:
    """A code as it is written before a finding, or a row that failed."""
    return bool(
        re.search(rf"(^|[\s\"'>]){re.escape(word)}" if "-" in word else rf"FAIL\w*\s+{re.escape(word)}\b", said)
    )
