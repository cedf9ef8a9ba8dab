"""Runs in Ansible's own process where the host is this machine."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import InProcessAction, collection_module


class ActionModule(InProcessAction):
    MODULE = collection_module("recovery_report")
