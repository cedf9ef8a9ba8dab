"""The NVIDIA driver: which packages, for which kernels, held together; and what keeps it from working."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.driver.ensure import Outcome, ensure_driver
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Options

__all__ = ["Options", "Outcome", "ensure_driver"]
