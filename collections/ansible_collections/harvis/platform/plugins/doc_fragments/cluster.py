"""Options of every module that talks to a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description: The kubeconfig. Without it, that of the environment.
    type: path
  context:
    description: The kubeconfig's context. Without it, the current one.
    type: str
"""
