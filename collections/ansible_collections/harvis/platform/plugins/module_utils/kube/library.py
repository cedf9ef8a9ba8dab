"""The kubernetes library, imported without what is never used of it."""

from __future__ import annotations

import sys

# The library checks objects with it when asked to, which nobody does here. Its imports take a third of the time.
_VALIDATOR = "kubernetes_validate"


def load_library() -> None:
    """Raises ImportError where the library is missing."""
    if "kubernetes" in sys.modules:
        return
    hide = _VALIDATOR not in sys.modules
    if hide:
        # None makes an import of it fail as if it were not there.
        sys.modules[_VALIDATOR] = None  # type: ignore[assignment]
    try:
        import kubernetes.dynamic  # noqa: F401
    finally:
        if hide:
            del sys.modules[_VALIDATOR]
