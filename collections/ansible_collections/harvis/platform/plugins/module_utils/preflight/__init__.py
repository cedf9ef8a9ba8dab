"""What is looked at before anything is changed: everything wrong with a host, in one go."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.preflight.checks import Requirements, preflight

__all__ = ["Requirements", "preflight"]
