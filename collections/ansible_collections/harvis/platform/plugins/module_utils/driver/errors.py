"""The driver concept's one exception."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError


class DriverError(HarvisError):
    """The driver cannot be installed, or what is installed cannot work."""


def driver_error(
    code: str, subject: str, cause: str, *, evidence: str = "", fix: str = "", **details: t.Any
) -> DriverError:
    """A ``DriverError`` with a single finding, ready to be raised."""
    return DriverError(Finding(code, subject, cause, evidence, fix), **details)
