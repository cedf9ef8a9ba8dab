"""What the role asks before it reboots a host."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.driver.permission import Run, refusal


def reboot_refusal(
    allowed: bool, connection: str, host_boot_id: str, controller_boot_id: str, check_mode: bool = False
) -> str:
    """Why this run may not reboot its host; empty where it may."""
    return refusal(
        Run(allowed, connection, host_boot_id.strip(), controller_boot_id.strip(), check_mode=bool(check_mode))
    )


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"reboot_refusal": reboot_refusal}
