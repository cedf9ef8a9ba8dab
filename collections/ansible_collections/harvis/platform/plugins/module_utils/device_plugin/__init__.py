"""NVIDIA's device plugin: what it consists of, the proof that nodes offer their GPUs, and why they don't."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.absent import ensure_absent
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.look import Look, look
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.options import PluginOptions
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.present import ensure_present

__all__ = ["Look", "PluginOptions", "ensure_absent", "ensure_present", "look"]
