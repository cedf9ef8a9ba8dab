"""What a host has (CPU, memory, GPUs) and the share of it that a release may take."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import HostHardware, read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.share import Component, Host, Plan, plan_share
from ansible_collections.harvis.platform.plugins.module_utils.hardware.values import chart_values

__all__ = ["Component", "Host", "HostHardware", "Plan", "chart_values", "plan_share", "read_hardware"]
