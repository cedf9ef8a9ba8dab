"""The exception of this concept."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail


class BrokerError(HarvisError):
    """The broker cannot be reached, refuses, or has topics that cannot be mended."""


def broker_error(code: str, subject: str, cause: str, *, evidence: str = "", fix: str = "") -> BrokerError:
    """A ``BrokerError`` with a single finding."""
    return BrokerError(*fail(code, subject, cause, evidence=evidence, fix=fix).findings)
