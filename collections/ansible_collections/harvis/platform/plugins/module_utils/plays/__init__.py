"""Playbooks and roles: tasks that say ok although something failed, or whose effect ends with them."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.plays.check import check_plays

__all__ = ["check_plays"]
