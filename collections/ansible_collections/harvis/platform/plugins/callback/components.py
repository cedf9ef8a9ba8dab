"""One line for each step of a component while it happens, and one table of what happened where."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.callback import CallbackBase
from ansible_collections.harvis.platform.plugins.module_utils.deployment.steps import Board, failed_steps, steps_of

DOCUMENTATION = """
name: harvis.platform.components
type: aggregate
short_description: Tell what became of each component on each host
description:
  - Prints a line when a component was built, delivered or rolled out, with the seconds it took; what is as described
    already makes no line. At the end one table tells of every component on every host, and where a host stopped.
  - The lines are plain text without colours or cursor movements, and look the same in a terminal and in a log.
options:
  lines:
    description: Whether to print a line for each step.
    type: bool
    default: true
    ini: [{section: callback_components, key: lines}]
    env: [{name: HARVIS_COMPONENT_LINES}]
  table:
    description: Whether to print the table at the end.
    type: bool
    default: true
    ini: [{section: callback_components, key: table}]
    env: [{name: HARVIS_COMPONENT_TABLE}]
author: Harvis Platform maintainers
"""


class CallbackModule(CallbackBase):
    """Reads results only; whatever goes wrong in here is no reason for a deployment to stop."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "harvis.platform.components"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: t.Any = None) -> None:
        super().__init__(display=display)
        self._board = Board()
        self._began: dict[tuple[str, str], float] = {}

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self._began[(host.get_name(), task._uuid)] = time.monotonic()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._take(result, failed=False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._take(result, failed=True)
        if not ignore_errors:
            self._board.stop(*_where(result))

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._board.stop(*_where(result))

    def v2_playbook_on_stats(self, stats: t.Any) -> None:  # noqa: ARG002
        if self.get_option("table") and (lines := self._board.table()):
            self._display.display("\n".join(["", "Components", *lines]))

    def _take(self, result: t.Any, *, failed: bool) -> None:
        try:
            host, task = result._host.get_name(), result._task
            seconds = time.monotonic() - self._began.get((host, task._uuid), time.monotonic())
            checked = (result._task_fields or {}).get("check_mode") or task.args.get("_ansible_check_mode")
            told = (task.action, {**task.args, "_ansible_check_mode": bool(checked)})
            for step in failed_steps(*told, seconds) if failed else steps_of(*told, result._result, seconds):
                self._board.add(host, step)
                if (step.changed or step.failed) and self.get_option("lines"):
                    self._display.display(step.line(host))
        except Exception as exc:
            self._display.vv(f"components: {type(exc).__name__}: {exc}")


def _where(result: t.Any) -> tuple[str, str]:
    return result._host.get_name(), str(result._task.get_name()).strip()
