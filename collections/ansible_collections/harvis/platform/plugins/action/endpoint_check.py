"""Runs in Ansible's own process where the host is this machine."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.modules import endpoint_check
from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import InProcessAction, preload


class ActionModule(InProcessAction):
    MODULE = endpoint_check
    HAS_LIBRARIES = preload("httpx", "httpx_sse")
