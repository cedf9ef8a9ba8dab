"""Which runs may reboot their host; the boot ids are made up, the rest is Ansible's own words."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.filter.reboot import reboot_refusal

HOST, CONTROLLER = "4f6cf6b0-host\n", "9e1d77aa-controller\n"
RUNS = [
    pytest.param((True, "ssh", HOST, CONTROLLER, False), "", id="ssh-to-another-machine"),
    pytest.param((True, "smart", HOST, CONTROLLER, False), "", id="ansibles-old-default"),
    pytest.param((True, "ansible.builtin.ssh", HOST, CONTROLLER, False), "", id="full-name"),
    pytest.param((False, "ssh", HOST, CONTROLLER, False), "gpu_host_reboot is false", id="not-allowed"),
    pytest.param((True, "local", HOST, CONTROLLER, False), "connection local is no SSH", id="local"),
    pytest.param((True, "ansible.builtin.local", HOST, CONTROLLER, False), "is no SSH", id="local-by-full-name"),
    pytest.param((True, "community.docker.docker", HOST, CONTROLLER, False), "is no SSH", id="container"),
    pytest.param((True, "ssh", CONTROLLER, CONTROLLER.strip(), False), "very machine", id="ssh-to-itself"),
    pytest.param((True, "ssh", "", CONTROLLER, False), "very machine", id="nothing-known"),
    pytest.param((True, "ssh", HOST, CONTROLLER, True), "check mode", id="check-mode"),
]


@pytest.mark.parametrize(("run", "expected"), RUNS)
def test_only_ssh_to_another_machine_may_reboot_and_only_when_allowed(
    run: tuple[bool, str, str, str, bool], expected: str
) -> None:
    said = reboot_refusal(*run)

    assert (expected in said) if expected else (said == "")
