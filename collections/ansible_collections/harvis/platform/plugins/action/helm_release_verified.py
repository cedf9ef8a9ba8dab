"""Runs in Ansible's own process where the host is this machine."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.kube.library import load_library
from ansible_collections.harvis.platform.plugins.modules import helm_release_verified
from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import InProcessAction, preload


class ActionModule(InProcessAction):
    MODULE = helm_release_verified
    HAS_LIBRARIES = preload(load_library, "yaml")
