"""Looks at the variables of one host, on the controller: only there is it known what an inventory sets."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible_collections.harvis.platform.plugins.module_utils.deployment.variables import (
    check_variables,
    check_workers,
    collection_names,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.modules.inventory_check import ARGUMENT_SPEC

COLLECTION = Path(__file__).resolve().parents[2]


class ActionModule(ActionBase):
    """Nothing is sent to the host."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        given = task_vars or {}
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        names = {name for name in given if name not in args["own"]}
        findings = check_variables(collection_names(COLLECTION), names, _sources(given))
        if args["chart"]:
            findings += check_workers(args["workers"], Path(self._loader.path_dwim(args["chart"])))
        if findings:
            return {"failed": True, **HarvisError(*findings).to_result()}
        return {"changed": False}


def _sources(given: dict[str, t.Any]) -> list[Path]:
    """The inventory, and the variables beside the playbook."""
    inventory = given.get("inventory_dir")
    playbook = Path(str(given.get("playbook_dir") or "."))
    beside = [playbook / "group_vars", playbook / "host_vars"]
    return [path for path in [*([Path(str(inventory))] if inventory else []), *beside] if path.exists()]
