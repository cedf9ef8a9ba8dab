"""What a module's documentation says can be read, and names the options that the module takes."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml

MODULES = sorted(p.stem for p in (Path(__file__).resolve().parents[2] / "plugins/modules").glob("[a-z]*.py"))


def module(name: str) -> t.Any:
    return importlib.import_module(f"ansible_collections.harvis.platform.plugins.modules.{name}")


def options(documented: dict[str, t.Any], below: str) -> dict[str, t.Any]:
    """Names of options, with those below them."""
    return {name: options(option.get(below) or {}, below) for name, option in documented.items()}


def shared_options(fragments: str | list[str]) -> dict[str, t.Any]:
    """What document fragments of the collection say for several modules."""
    found: dict[str, t.Any] = {}
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        name = fragment.removeprefix("harvis.platform.")
        place = importlib.import_module(f"ansible_collections.harvis.platform.plugins.doc_fragments.{name}")
        found |= yaml.safe_load(place.ModuleDocFragment.DOCUMENTATION).get("options") or {}
    return found


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("part", ["DOCUMENTATION", "EXAMPLES", "RETURN"])
def test_documentation_is_yaml(name: str, part: str) -> None:
    assert yaml.safe_load(getattr(module(name), part))


@pytest.mark.parametrize("name", [n for n in MODULES if hasattr(module(n), "ARGUMENT_SPEC")])
def test_every_option_is_documented(name: str) -> None:
    said = yaml.safe_load(module(name).DOCUMENTATION)
    documented = {**shared_options(said.get("extends_documentation_fragment") or []), **said.get("options", {})}

    assert options(documented, "suboptions") == options(module(name).ARGUMENT_SPEC, "options")
