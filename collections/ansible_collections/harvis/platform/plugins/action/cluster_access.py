"""Runs in Ansible's own process where the host is this machine."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.modules import cluster_access
from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    MODULE = cluster_access
