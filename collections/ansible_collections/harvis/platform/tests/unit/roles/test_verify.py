"""The role's two lists of variables say the same, and every variable is used."""

from __future__ import annotations

from pathlib import Path

import yaml

ROLE = Path(__file__).resolve().parents[3] / "roles" / "verify"


def test_defaults_and_argument_specs_agree() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]

    # A required option has no default of its own in the specs; the empty one is there to be seen.
    specified = {name: "" if option.get("required") else option.get("default") for name, option in options.items()}
    assert defaults == specified


def test_every_variable_is_used_by_a_task() -> None:
    tasks = "".join(path.read_text() for path in (ROLE / "tasks").glob("*.yml"))

    assert [name for name in yaml.safe_load((ROLE / "defaults/main.yml").read_text()) if name not in tasks] == []
