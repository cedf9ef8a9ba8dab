"""Whoever else brings objects to a description of theirs (Flux, Argo CD): who, when, and how it is held off."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.gitops.look import look
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed, Release, State
from ansible_collections.harvis.platform.plugins.module_utils.gitops.refuse import managed, refusals
from ansible_collections.harvis.platform.plugins.module_utils.gitops.suspend import held_off

__all__ = ["Managed", "Release", "State", "held_off", "look", "managed", "refusals"]
