"""What a host has (CPU, memory, GPUs, driver), what is wrong with it, and the share that a release may take.

The share lies in modules of its own (``share``, ``values``): what they import would cost more than the look at a host.
"""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.hardware.facts import HostHardware, read_hardware
from ansible_collections.harvis.platform.plugins.module_utils.hardware.layers import diagnose, first_failing_layer

__all__ = ["HostHardware", "diagnose", "first_failing_layer", "read_hardware"]
