"""A small server that answers the part of Qdrant's REST API the platform needs, over Qdrant's own storage engine.

It is used only where no registry offers the official Qdrant image, and says so in its name and version.
"""

from __future__ import annotations

TITLE = "harvis qdrant-edge server (not Qdrant)"

# The client compares major and minor with its own, so these name the API level that is answered here.
# The suffix keeps anyone from mistaking the program for Qdrant of that version.
API_LEVEL = "1.19.0"
VERSION = f"{API_LEVEL}-harvis-qdrant-edge"
