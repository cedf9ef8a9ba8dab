"""Runs in Ansible's own process where the host is this machine."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.modules import evidence_report
from ansible_collections.harvis.platform.plugins.plugin_utils.in_process import InProcessAction, preload


class ActionModule(InProcessAction):
    MODULE = evidence_report
    HAS_LIBRARIES = preload("markupsafe")
