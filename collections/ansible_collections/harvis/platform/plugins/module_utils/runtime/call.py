"""The whole of one call of the module: toolkit, configuration, restart, CDI specification."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.apply import ensure
from ansible_collections.harvis.platform.plugins.module_utils.runtime.cdi import ensure_cdi, list_cdi, remove_cdi
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import (
    CommandControl,
    ContainerdProbe,
    Control,
    DockerProbe,
    SystemdControl,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.dev_char import reload_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toolkit import read_toolkit, toolkit_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec
from ansible_collections.harvis.platform.plugins.module_utils.service.manager import BOOTED


def run_runtime(params: t.Mapping[str, t.Any], runner: Runner, *, dry: bool) -> dict[str, t.Any]:
    """Raises HarvisError (RUN-TOOLKIT, RUN-CONFIG, RUN-ROLLBACK)."""
    present = params["state"] == "present"
    handler = Handler(params["handler"], Path(params["binary"]), params["default_runtime"], params["cdi"])
    missing = toolkit_findings(handler) if present else []
    if missing:
        # A handler without its program lets every pod that names it fail, with a message about a file.
        raise HarvisError(*missing)
    spec = RuntimeSpec.of(
        params["daemon"], handler, config=params["config"], socket=params["socket"], patience=params["patience"]
    )
    spec_changed = _cdi(params, runner, present=present, dry=dry)
    probe = DockerProbe(spec.socket) if spec.daemon == "docker" else ContainerdProbe(spec.socket, runner, params["ctr"])
    done = ensure(spec, runner, control_of(params, runner), probe, present=present, dry=dry).to_result()
    if spec_changed:
        done |= {"changed": True, "reasons": [*done["reasons"], f"{params['cdi_spec']} differs"]}
    devices = [f"{found.kind}={name}" for found in list_cdi() for name in found.devices]
    # Nothing that stops: pods run, until something reloads systemd.
    findings = reload_findings(handler, daemon=spec.daemon, config=spec.config) if present else []
    told = {"toolkit_version": read_toolkit(handler).version, "cdi_devices": devices}
    return {**done, **told, "findings": [finding.to_dict() for finding in findings]}


def _cdi(params: t.Mapping[str, t.Any], runner: Runner, *, present: bool, dry: bool) -> bool:
    if not params["cdi_spec"]:
        return False
    path = Path(params["cdi_spec"])
    return ensure_cdi(path, runner, ctk=params["nvidia_ctk"], dry=dry) if present else remove_cdi(path, dry=dry)


def control_of(params: t.Mapping[str, t.Any], runner: Runner, booted: Path = BOOTED) -> Control | None:
    """Unit and command together are one description for hosts with systemd and without; a command alone is the way."""
    if not params["restart"]:
        return None
    if params["restart_command"] and not (params["service"] and booted.is_dir()):
        log_file = Path(params["log_file"]) if params["log_file"] else None
        return CommandControl(tuple(params["restart_command"]), log_file, runner)
    return SystemdControl(params["service"] or params["daemon"], runner)
