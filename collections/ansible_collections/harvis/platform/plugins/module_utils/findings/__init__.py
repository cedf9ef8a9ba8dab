"""The one shape in which anything wrong is said: a coded finding with cause, evidence and fix."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings.codes import CODES, Code, Severity
from ansible_collections.harvis.platform.plugins.module_utils.findings.finding import Finding, HarvisError, Place, fail

__all__ = ["CODES", "Code", "Finding", "HarvisError", "Place", "Severity", "fail"]
