"""A passed audit is made once; whatever could change its answer makes it again."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest
from ansible_collections.harvis.platform.plugins.module_utils.audit.reuse import KEPT, reused

Change = t.Callable[["Case"], None]


class Case:
    """An audit of a chart with sources beside it, and how often it was really made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0
        self.passed = True
        self.params: dict[str, t.Any] = {
            **dict.fromkeys(("sarif", "html"), None),
            "json": "out.json",
            "values": ["values.yaml"],
            "extra_values": {"a": 1},
            "secret_values": {"b": "swordfish"},
            "beside": [{"path": "beside", "values": []}],
            "components": {"indexer": {"source": "sources"}},
        }
        for name in ("chart/Chart.yaml", "values.yaml", "beside/Chart.yaml", "sources/main.py", "bin/helm", "out.json"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("x")
        (folder / "bin/helm").chmod(0o755)

    def ask(self) -> dict[str, t.Any]:
        cache, helm = self.folder / "cache", str(self.folder / "bin/helm")
        request = AuditRequest(chart=self.folder / "chart", helm=helm, cache=cache, base=self.folder)
        return reused(self.params, request, self.make)

    def make(self) -> dict[str, t.Any]:
        self.made += 1
        return {"changed": False, "passed": self.passed, "number": self.made}

    def write(self, name: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text("something else")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_the_same_question_gets_the_same_answer(case: Case) -> None:
    first = case.ask()
    assert case.ask() == {**first, "reused": True}
    assert case.made == 1


def touch(case: Case) -> None:
    os.utime(case.folder / "sources/main.py", ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case.write("chart/Chart.yaml"),
        lambda case: case.write("chart/new.yaml"),
        lambda case: case.write("values.yaml"),
        lambda case: case.write("beside/Chart.yaml"),
        lambda case: case.write("sources/main.py"),
        lambda case: case.write("sources/deeper/new.py"),
        lambda case: case.write("bin/helm"),
        touch,
        lambda case: case.params["extra_values"].update(a=2),
        lambda case: case.params["secret_values"].update(b="other"),
        lambda case: (case.folder / "out.json").unlink(),
        lambda case: (case.folder / "chart/linked").symlink_to(case.folder / "sources"),
    ],
    ids=[
        *("template", "new-file", "values", "beside", "code", "new-code"),
        *("helm", "time", "value", "secret", "output", "link"),
    ],
)
def test_what_could_change_the_answer_asks_again(case: Case, change: Change) -> None:
    case.ask()
    change(case)
    case.ask()
    assert case.made == 2


def test_a_repositorys_own_folder_does_not_count(case: Case) -> None:
    case.ask()
    (case.folder / "sources/.git").mkdir()
    case.write("sources/.git/index")
    case.ask()
    assert case.made == 1


def test_what_did_not_pass_is_made_again_until_it_does(case: Case) -> None:
    case.passed = False
    case.ask()
    case.ask()
    assert case.made == 2


def test_no_secret_is_kept_and_the_oldest_make_room(case: Case) -> None:
    for number in range(KEPT + 3):
        case.params["extra_values"]["a"] = number
        case.ask()
    kept = list((case.folder / "cache/audits").iterdir())
    assert len(kept) == KEPT
    assert not any("swordfish" in file.read_text() + file.name for file in kept)
