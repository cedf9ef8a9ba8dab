"""Getting third-party programs: cache, then the official download pinned by digest, then a build from Go modules."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.acquire.programs import Acquired, ProgramSet, acquire
from ansible_collections.harvis.platform.plugins.module_utils.acquire.sources import AcquireError, Download

__all__ = ["AcquireError", "Acquired", "Download", "ProgramSet", "acquire"]
