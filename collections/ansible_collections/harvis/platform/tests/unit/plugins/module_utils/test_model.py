"""Which Ollama model a platform runs."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils import model
from ansible_collections.harvis.platform.plugins.module_utils.model import (
    TEST_MODEL,
    ModelChoice,
    choose_model,
    registry_has,
    save,
)
from ansible_collections.harvis.platform.plugins.modules import model_choice
from ansible_collections.harvis.platform.tests.unit.fakes import http_files, run_main

WEIGHTS = "/usr/share/model.gguf"
REAL = ModelChoice("llama3", "", "the model registry offers it")
TEST = ModelChoice(TEST_MODEL, WEIGHTS, "no model registry answers: random test weights stand in")
OLD = ModelChoice("mistral", "", "the model registry offers it")


class Case(t.NamedTuple):
    name: str
    wanted: str
    recorded: ModelChoice | None
    online: bool
    expected: ModelChoice


CASES = [
    Case("a name is taken as it is", "mistral", REAL, False, ModelChoice("mistral", "", "asked for by name")),
    Case("the test model by name", TEST_MODEL, None, True, ModelChoice(TEST_MODEL, WEIGHTS, "asked for by name")),
    Case("auto with a registry", "auto", None, True, REAL),
    Case("auto without one", "auto", None, False, TEST),
    Case("a real model stays when the network is down", "auto", REAL, False, REAL),
    Case("test weights stay when the network comes", "auto", TEST, True, TEST),
    Case("what was preferred once is not kept", "auto", OLD, True, REAL),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    record = tmp_path / "data" / "model.json"
    if case.recorded:
        save(case.recorded, record)
    monkeypatch.setattr(model, "registry_has", lambda name: case.online and name == "llama3")

    assert choose_model(case.wanted, preferred="llama3", test_weights=WEIGHTS, record=record) == case.expected


def test_only_the_test_model_counts_as_one() -> None:
    assert (TEST.is_test, REAL.is_test) == (True, False)


@pytest.fixture(scope="module")
def registry() -> t.Iterator[str]:
    paths = ["/library/llama3/manifests/latest", "/library/llama3/manifests/8b", "/me/own/manifests/latest"]
    with http_files(dict.fromkeys(paths, b"{}")) as address:
        yield address


NAMES = [("llama3", True), ("llama3:8b", True), ("me/own", True), ("llama3:70b", False), ("mistral", False)]


@pytest.mark.parametrize(("name", "there"), NAMES)
def test_the_registry_is_asked_for_the_manifest(registry: str, name: str, there: bool) -> None:
    assert registry_has(name, registry) is there


def test_a_registry_that_does_not_answer_has_nothing() -> None:
    with http_files({}) as gone:
        pass

    assert registry_has("llama3", gone) is False


def test_a_choice_is_recorded_once(tmp_path: Path) -> None:
    record = tmp_path / "new" / "model.json"

    assert save(REAL, record, dry=True) is True
    assert not record.parent.exists()
    assert [save(REAL, record), save(REAL, record), save(TEST, record)] == [True, False, True]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "llama3"}', "null"])
def test_a_record_that_cannot_be_read_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    record = tmp_path / "model.json"
    record.write_text(text)
    monkeypatch.setattr(model, "registry_has", lambda _: True)

    assert choose_model("auto", preferred="llama3", test_weights=WEIGHTS, record=record) == REAL


def test_module_records_and_then_rests(tmp_path: Path) -> None:
    given = {"model": "mistral", "record": str(tmp_path / "data" / "model.json")}

    planned = run_main(model_choice.main, given, check_mode=True)
    assert list(tmp_path.iterdir()) == []
    first, second = (run_main(model_choice.main, given) for _ in range(2))

    assert [r["changed"] for r in (planned, first, second)] == [True, True, False]
    assert {k: first[k] for k in ("name", "test_weights", "reason")} == {
        "name": "mistral",
        "test_weights": "",
        "reason": "asked for by name",
    }
