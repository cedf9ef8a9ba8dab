"""Attributes and notes that every module of the collection states in the same words."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change, changing nothing.
  diff_mode:
    description: Returns what changed (or would change, in C(check_mode)) when in diff mode.
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
"""
