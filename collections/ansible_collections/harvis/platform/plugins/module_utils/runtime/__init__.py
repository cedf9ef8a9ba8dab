"""The NVIDIA container runtime in containerd's and Docker's configuration, and proof that the daemon took it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.runtime.apply import RuntimeResult, ensure
from ansible_collections.harvis.platform.plugins.module_utils.runtime.call import run_runtime
from ansible_collections.harvis.platform.plugins.module_utils.runtime.diagnose import diagnose_runtime
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.runtime_class import runtime_class_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec

__all__ = [
    "Handler",
    "RuntimeResult",
    "RuntimeSpec",
    "diagnose_runtime",
    "ensure",
    "run_runtime",
    "runtime_class_findings",
]
