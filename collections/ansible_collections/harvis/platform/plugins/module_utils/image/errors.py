"""The one exception of this concept."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError


class ImageError(HarvisError):
    """An image cannot be described, obtained or delivered."""


def image_error(code: str, subject: str, cause: str, *, evidence: str = "", fix: str = "") -> ImageError:
    """An ``ImageError`` with a single finding, ready to be raised."""
    return ImageError(Finding(code, subject, cause, evidence, fix))


MAKE_ROOM = "Make room on the disk that the evidence names (`df -h`); playbooks/recover.yml removes old images of ours."


def is_full(said: str) -> bool:
    """Whether a program ended because a disk is full; the words are those of errno ENOSPC."""
    return "no space left on device" in said.lower()
