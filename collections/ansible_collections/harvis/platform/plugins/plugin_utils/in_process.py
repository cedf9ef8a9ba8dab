"""Modules that run in Ansible's own process where their host is this machine.

A module is otherwise packed into an archive, started in a Python of its own, and compiled there from source, with its
libraries imported anew: a second or two for each task that talks to the cluster. The process that reads the playbook
imports an action plugin once, before it forks a worker for each task, and the workers find everything there.

An action plugin names its module and imports nothing of this collection itself: what is imported through here is kept
compiled from one run to the next.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import tempfile
import traceback
import typing as t
from dataclasses import dataclass, field
from types import ModuleType

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.harvis.platform.plugins.plugin_utils.bytecode import keep_bytecode

if t.TYPE_CHECKING:
    from ansible_collections.harvis.platform.plugins.module_utils.module import Frame

_PLUGINS = "ansible_collections.harvis.platform.plugins"
_KUBERNETES = "kubernetes"

keep_bytecode(_PLUGINS)


@dataclass
class HereTask:
    """A task as a module's function sees it."""

    params: t.Mapping[str, t.Any]
    check_mode: bool
    cleanup: contextlib.ExitStack
    warnings: list[str] = field(default_factory=list)

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    @functools.cached_property
    def tmpdir(self) -> str:
        """Made when it is asked for, and gone with the task."""
        return self.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="harvis-task-"))


def collection_module(name: str) -> ModuleType:
    return importlib.import_module(f"{_PLUGINS}.modules.{name}")


def preload(*libraries: str) -> bool:
    """Import what the modules import late. False where one is missing: a host's own Python may have it."""
    try:
        for library in libraries:
            if library == _KUBERNETES:
                importlib.import_module(f"{_PLUGINS}.module_utils.kube.library").load_library()
            else:
                importlib.import_module(library)
    except ImportError:
        return False
    return True


class InProcessAction(NormalAction):
    """A subclass names its module, and whether the libraries that the module imports late are here."""

    MODULE: t.ClassVar[ModuleType]
    HAS_LIBRARIES: t.ClassVar[bool] = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        if not self.runs_here():
            return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
        return self.answer(self._task.args)

    def answer(self, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        frame = importlib.import_module(f"{_PLUGINS}.module_utils.module").frame_of(self.MODULE.main)
        return answer_here(frame, args, check_mode=bool(self._task.check_mode))

    def runs_here(self) -> bool:
        """Whether a process of its own would see nothing else than this one: same machine, user and environment."""
        task = self._task
        if not self.HAS_LIBRARIES or task.async_val or any(task.environment or ()):
            return False
        return self._connection.transport == "local" and self._is_this_user()

    def _is_this_user(self) -> bool:
        become = self._connection.become
        if become is None:
            return True
        user = become.get_option("become_user", playcontext=self._play_context) or "root"
        return os.geteuid() == 0 and user == "root"


def answer_here(frame: Frame, args: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """What the module would answer: arguments checked, secrets hidden, and nothing in it that JSON does not know."""
    # Ansible's strings carry where they come from; what a module gets has been through JSON.
    checked = ArgumentSpecValidator(frame.argument_spec, **frame.rules).validate(_plain(args))
    if checked.error_messages:
        return {"failed": True, "msg": "; ".join(checked.error_messages)}
    if check_mode and not frame.supports_check_mode:
        return {"skipped": True, "msg": "the module does not support check mode"}
    with _surviving() as broken, contextlib.ExitStack() as cleanup:
        task = HereTask(checked.validated_parameters, check_mode, cleanup)
        result = frame.answer(task)
        if task.warnings:
            result["warnings"] = task.warnings
        return t.cast("dict[str, t.Any]", remove_values(_plain(result), checked._no_log_values))
    return {"failed": True, "msg": f"The module broke: {broken[0]}", "exception": broken[1]}


@contextlib.contextmanager
def _surviving() -> t.Iterator[list[str]]:
    """An error in a module fails its task, as it would from a process of its own."""
    broken: list[str] = []
    try:
        yield broken
    except Exception as exc:
        broken += [f"{type(exc).__name__}: {exc}", traceback.format_exc()]


def _plain(value: t.Any) -> t.Any:
    return json.loads(json.dumps(value, default=str))
