"""Runs in Ansible's own process where the host is this machine."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import (
    InProcessAction,
    collection_module,
    preload,
)


class ActionModule(InProcessAction):
    MODULE = collection_module("pod_renew")
    HAS_LIBRARIES = preload("kubernetes", "yaml")
