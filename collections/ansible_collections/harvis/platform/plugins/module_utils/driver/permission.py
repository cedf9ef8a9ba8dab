"""Whether a run may reboot the host that it works on."""

from __future__ import annotations

from dataclasses import dataclass

# Connections that end with the host's reboot and can be made again from a controller that lives on.
REMOTE = ("ssh", "smart", "paramiko", "paramiko_ssh")


@dataclass(frozen=True)
class Run:
    """``connection`` is Ansible's; the boot ids are the kernel's own, of host and controller."""

    allowed: bool
    connection: str
    host_boot_id: str
    controller_boot_id: str
    check_mode: bool = False


def refusal(run: Run) -> str:
    """Why the host is not rebooted; empty where it may be.

    SSH to the controller itself, or into a container on it, ends in the controller's own kernel: its boot id tells.
    """
    if not run.allowed:
        return "gpu_host_reboot is false"
    if run.check_mode:
        return "check mode reboots nothing"
    plugin = run.connection.rpartition(".")[2]
    if plugin not in REMOTE:
        return f"the connection {run.connection} is no SSH, and a local machine is never rebooted"
    if not run.host_boot_id or run.host_boot_id == run.controller_boot_id:
        return "the host is the very machine that this play runs on"
    return ""
