"""What every role promises: its variables are specified, with the same defaults, under names of its own."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
NAMES = sorted(p.name for p in ROLES.iterdir() if p.is_dir())
REQUIRED = object()


def load(path: Path) -> dict[str, t.Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def entry_points(role: str) -> dict[str, dict[str, t.Any]]:
    specs = load(ROLES / role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return {name: spec.get("options", {}) for name, spec in specs.items()}


def tasks(role: str) -> list[tuple[str, dict[str, t.Any]]]:
    files = sorted((ROLES / role).glob("tasks/*.yml")) + sorted((ROLES / role).glob("handlers/*.yml"))
    return [(f.name, task) for f in files for task in _flat(yaml.safe_load(f.read_text()) or [])]


def _flat(given: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    for task in given:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _flat(task.get(part, []))


@pytest.mark.parametrize("role", NAMES)
def test_every_default_is_specified(role: str) -> None:
    specified = {name for options in entry_points(role).values() for name in options}

    assert specified == set(load(ROLES / role / "defaults" / "main.yml"))


@pytest.mark.parametrize("role", NAMES)
def test_specified_defaults_are_the_defaults(role: str) -> None:
    defaults = load(ROLES / role / "defaults" / "main.yml")
    options = [(name, option) for point in entry_points(role).values() for name, option in point.items()]
    specified = {name: REQUIRED if option.get("required") else option.get("default") for name, option in options}

    assert {n: v for n, v in specified.items() if v is not REQUIRED} == {
        n: v for n, v in defaults.items() if specified.get(n) is not REQUIRED
    }


@pytest.mark.parametrize("role", NAMES)
def test_every_option_is_described_and_typed(role: str) -> None:
    for options in entry_points(role).values():
        assert [n for n, o in options.items() if not {"type", "description"} <= set(o)] == []


@pytest.mark.parametrize("role", NAMES)
def test_every_entry_point_has_its_tasks(role: str) -> None:
    points = entry_points(role)

    assert points
    assert [p for p in points if not (ROLES / role / "tasks" / f"{p}.yml").exists()] == []


PREFIXES = [("defaults", "{}_"), ("vars", "_{}_")]


@pytest.mark.parametrize(("folder", "prefix"), PREFIXES)
@pytest.mark.parametrize("role", NAMES)
def test_variables_bear_the_roles_name(role: str, folder: str, prefix: str) -> None:
    names = [name for file in (ROLES / role / folder).glob("*.yml") for name in load(file)]

    assert [name for name in names if not name.startswith(prefix.format(role))] == []


@pytest.mark.parametrize("role", NAMES)
def test_results_bear_the_roles_name(role: str) -> None:
    registered = [(file, task["register"]) for file, task in tasks(role) if "register" in task]
    facts = [(file, name) for file, task in tasks(role) for name in task.get("ansible.builtin.set_fact", {})]
    public = re.compile(rf"_{{0,2}}{role}_")

    assert [pair for pair in registered if not re.match(rf"(__)?{role}_", pair[1])] == []
    assert [pair for pair in facts if not public.match(pair[1]) and pair[1] != "cacheable"] == []


@pytest.mark.parametrize("role", NAMES)
def test_every_task_has_a_name(role: str) -> None:
    assert [(file, task) for file, task in tasks(role) if not task.get("name")] == []
