"""Who restarts a daemon: systemd's unit, the caller's command, or nobody; the host's init is a folder of its own."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.call import control_of
from ansible_collections.harvis.platform.plugins.module_utils.runtime.control import CommandControl, SystemdControl

COMMAND = ["supervisorctl", "restart", "containerd"]
RUNNER = SystemRunner()
BY_COMMAND = CommandControl(tuple(COMMAND), None, RUNNER)
CHOICES = [
    pytest.param({}, True, SystemdControl("containerd", RUNNER), id="unit-by-default"),
    pytest.param({"service": "k3s"}, True, SystemdControl("k3s", RUNNER), id="named-unit"),
    pytest.param({"restart_command": COMMAND}, True, BY_COMMAND, id="command-alone-beside-systemd"),
    pytest.param({"restart_command": COMMAND}, False, BY_COMMAND, id="command-without-systemd"),
    pytest.param(
        {"restart_command": COMMAND, "service": "c"}, True, SystemdControl("c", RUNNER), id="both-with-systemd"
    ),
    pytest.param({"restart_command": COMMAND, "service": "c"}, False, BY_COMMAND, id="both-without-systemd"),
    pytest.param({"restart": False, "service": "c"}, True, None, id="nobody"),
]


@pytest.mark.parametrize(("given", "systemd", "expected"), CHOICES)
def test_one_description_serves_hosts_with_systemd_and_without(
    given: dict[str, t.Any], systemd: bool, expected: t.Any, tmp_path: Path
) -> None:
    booted = tmp_path / "systemd"
    if systemd:
        booted.mkdir()
    params = {
        "daemon": "containerd",
        "service": None,
        "restart": True,
        "restart_command": [],
        "log_file": None,
        **given,
    }

    assert control_of(params, RUNNER, booted) == expected
