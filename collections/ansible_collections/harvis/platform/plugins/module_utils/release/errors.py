"""The exception of this concept."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail


class ReleaseError(HarvisError):
    """A release cannot be rendered, planned or applied."""


def release_error(code: str, subject: str, cause: str, *, evidence: str = "", fix: str = "") -> ReleaseError:
    """A ``ReleaseError`` with a single finding."""
    return ReleaseError(*fail(code, subject, cause, evidence=evidence, fix=fix).findings)
