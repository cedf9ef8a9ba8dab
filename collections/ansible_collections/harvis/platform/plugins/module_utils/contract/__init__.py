"""What an application reads from its environment, against what its manifests provide."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.contract.check import check_contract

__all__ = ["check_contract"]
