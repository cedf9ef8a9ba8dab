"""Long-running programs of ours, under systemd where it is PID 1, else under supervisor (supervisord.org)."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.service.manager import (
    ServiceManager,
    ServicesResult,
    manager_for_host,
)
from ansible_collections.harvis.platform.plugins.module_utils.service.program import Program

__all__ = ["Program", "ServiceManager", "ServicesResult", "manager_for_host"]
