"""The script that brings the model onto the volume, run with a stand-in for ollama that keeps its list in a file."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from chart_rendering import CHARTS

SCRIPT = CHARTS / "harvis/files/ensure-model.sh"
OLLAMA = """#!/bin/sh
echo "$1" >>"$STATE/calls"
case "$1" in
  serve) [ ! -e "$STATE/no-serve" ] || { echo "Error: address already in use"; exit 1; }
         touch "$STATE/serving"; trap 'touch "$STATE/stopped"; exit 0' TERM; while :; do sleep 0.1; done ;;
  list) [ -e "$STATE/serving" ] || { echo "Error: could not connect" >&2; exit 1; }
        echo "NAME ID SIZE MODIFIED"; cat "$STATE/models" ;;
  create) cp "$4" "$STATE/Modelfile"; echo "$2 1 300kB now" >>"$STATE/models" ;;
  pull) [ ! -e "$STATE/no-hub" ] || { printf 'pulling manifest\\rError: no such host\\n' >&2; exit 1; }
        [ -e "$STATE/forgets" ] || echo "$2 1 4GB now" >>"$STATE/models" ;;
esac
"""


@dataclass(frozen=True)
class Case:
    id: str
    code: int
    fetched: str = ""
    reason: str = ""
    listed: str = ""
    flags: tuple[str, ...] = ()
    weights: str = ""


CASES = [
    Case("held-already", 0, listed="llama3:latest 1 4GB now"),
    Case("pulled", 0, fetched="pull"),
    Case("another-tag-is-another-model", 0, fetched="pull", listed="llama3:70b 1 40GB now"),
    Case("a-longer-name-is-another-model", 0, fetched="pull", listed="llama3:latest-q4 1 4GB now"),
    Case("made-from-test-weights", 0, fetched="create", weights="model.gguf"),
    Case("test-weights-missing", 1, reason="the image has no test weights in {weights}", weights="none.gguf"),
    Case("hub-unreachable", 1, fetched="pull", reason="can't be pulled: Error: no such host", flags=("no-hub",)),
    Case("server-stops", 1, reason="ollama serve stopped: Error: address already in use", flags=("no-serve",)),
    Case("pull-lies", 1, fetched="pull", reason="is missing from 'ollama list'", flags=("forgets",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_ends_well_only_with_the_model(tmp_path: Path, case: Case) -> None:
    state = _prepare(tmp_path, case)
    weights = str(tmp_path / case.weights) if case.weights else ""
    result = _run(tmp_path, weights)
    assert result.returncode == case.code, result.stderr
    calls = set((state / "calls").read_text().split())
    assert calls & {"pull", "create"} == ({case.fetched} if case.fetched else set())
    if case.reason:
        assert case.reason.format(weights=weights) in (tmp_path / "termination-log").read_text()
        assert result.stderr.splitlines()[-1] == (tmp_path / "termination-log").read_text().strip()


def test_test_weights_are_what_the_model_is_made_from(tmp_path: Path) -> None:
    state = _prepare(tmp_path, CASES[4])
    _run(tmp_path, str(tmp_path / "model.gguf"))
    assert (state / "Modelfile").read_text() == f"FROM {tmp_path}/model.gguf\n"


def test_a_recipe_beside_the_test_weights_is_used(tmp_path: Path) -> None:
    state = _prepare(tmp_path, CASES[4])
    (tmp_path / "Modelfile").write_text("FROM here\nPARAMETER num_ctx 2048\n")
    _run(tmp_path, str(tmp_path / "model.gguf"))
    assert (state / "Modelfile").read_text() == "FROM here\nPARAMETER num_ctx 2048\n"


def test_its_server_is_stopped_at_the_end(tmp_path: Path) -> None:
    state = _prepare(tmp_path, CASES[0])
    _run(tmp_path, "")
    assert (state / "stopped").exists()


def _prepare(tmp_path: Path, case: Case) -> Path:
    state = tmp_path / "state"
    (tmp_path / "bin").mkdir()
    (tmp_path / "models").mkdir()
    state.mkdir()
    (tmp_path / "model.gguf").touch()
    program = tmp_path / "bin/ollama"
    program.write_text(OLLAMA)
    program.chmod(0o755)
    (state / "models").write_text(f"{case.listed}\n")
    for flag in case.flags:
        (state / flag).touch()
    return state


def _run(tmp_path: Path, weights: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "STATE": str(tmp_path / "state"),
        "MODEL": "llama3:latest",
        "TEST_WEIGHTS": weights,
        "TERMINATION_LOG": str(tmp_path / "termination-log"),
        "OLLAMA_MODELS": str(tmp_path / "models"),
    }
    return subprocess.run(["sh", str(SCRIPT)], env=environment, capture_output=True, text=True, check=False, timeout=60)
