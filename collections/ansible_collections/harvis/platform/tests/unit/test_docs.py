"""What is made from code and tests says what they say now, and the corpus has what it must have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.tests.unit.corpus import cases

PROJECT = Path(__file__).resolve().parents[6]
FAULTS = {fault["id"]: fault for fault in yaml.safe_load((PROJECT / "tools/faults.yml").read_text())}
# Faults that files alone show: all of that stage, and those of a later one that need no host either.
SHOWN_BY_FILES = sorted(
    {name for name, fault in FAULTS.items() if "lint" in fault["stage"]} | {"F32", "F38", "F48", "F61"}
)


@pytest.mark.parametrize("tool", ["faults-table", "findings-index", "gpu-findings"])
def test_a_made_document_is_up_to_date(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT / "tools" / tool), "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("fault", SHOWN_BY_FILES)
def test_every_fault_that_files_show_has_a_case(fault: str) -> None:
    assert [case.name for case in cases() if case.fault == fault]


def test_the_corpus_is_large_enough() -> None:
    assert len(cases()) >= 75


def test_cases_name_faults_that_there_are() -> None:
    assert {case.fault for case in cases()} - {"", *FAULTS} == set()
