"""Controller's half of ``image_build``: digests here, sources there, and only those that are missed."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Prepared, Sources
from ansible_collections.harvis.platform.plugins.module_utils.image.task import deliverables
from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import (
    InProcessAction,
    collection_module,
    preload,
)

MODULE = "harvis.platform.image_build"
_MODULE = collection_module("image_build")
_SPEC = {name: option for name, option in _MODULE.ARGUMENT_SPEC.items() if name != "prepared"}


class ActionModule(InProcessAction):
    """Asks the host what exists, sends the sources of the rest, and has them built."""

    MODULE = _MODULE
    HAS_LIBRARIES = preload("docker")
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        ActionBase.run(self, tmp, task_vars)
        _validated, args = self.validate_argument_spec(argument_spec=_SPEC)
        try:
            prepared = {entry["name"]: self._prepare(entry) for entry in args["images"]}
        except HarvisError as exc:
            return {"failed": True, **exc.to_result()}
        first = self._call(args, args["images"], {name: _facts(found) for name, found in prepared.items()}, task_vars)
        needed = first.pop("needed", None)
        if first.get("failed") or not needed:
            return first
        try:
            sent = {name: self._send(name, prepared[name], place) for name, place in needed.items()}
        except HarvisError as exc:
            return {"failed": True, **exc.to_result()}
        missing = [entry for entry in args["images"] if entry["name"] in sent]
        facts = {name: {**_facts(prepared[name]), "source": source} for name, source in sent.items()}
        return _merge(first, self._call(args, missing, facts, task_vars))

    def _prepare(self, entry: dict[str, t.Any]) -> Prepared:
        context = self._loader.path_dwim(entry["context"])
        return Sources.from_params({**entry, "context": context}).prepare(ImageSpec.from_params(entry))

    def _call(
        self,
        args: dict[str, t.Any],
        images: list[dict[str, t.Any]],
        prepared: dict[str, t.Any],
        task_vars: dict[str, t.Any] | None,
    ) -> dict[str, t.Any]:
        given = {**args, "images": images, "prepared": prepared}
        if self.runs_here():
            return self.answer(given)
        return t.cast(
            "dict[str, t.Any]", self._execute_module(module_name=MODULE, module_args=given, task_vars=task_vars)
        )

    def _send(self, name: str, prepared: Prepared, place: str | None) -> str:
        """Path of the packed sources on the host; ``place`` when an earlier, interrupted run left them there."""
        if place:
            return place
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, f"{name}.tar")
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / f"{name}.tar"
            prepared.write(local)
            self._transfer_file(str(local), remote)
        self._fixup_perms2((shell.tmpdir, remote), execute=False)
        return str(remote)


def _facts(prepared: Prepared) -> dict[str, t.Any]:
    record = prepared.record.to_dict()
    return {"digest": prepared.digest, "dockerfile": prepared.dockerfile, "record": record, "source": None}


def _merge(first: dict[str, t.Any], second: dict[str, t.Any]) -> dict[str, t.Any]:
    """One result out of what existed and what was built."""
    second.pop("needed", None)
    if second.get("failed"):
        return second
    diff = {side: {**first["diff"][side], **second["diff"][side]} for side in ("before", "after")}
    images = {name: second["images"].get(name, image) for name, image in first["images"].items()}
    changes = {**first.get("changes", {}), **second.get("changes", {})}
    merged = {"images": images, "deliverables": deliverables(images), "diff": diff, "changes": changes}
    return {**second, **merged, "changed": first["changed"] or second["changed"]}
