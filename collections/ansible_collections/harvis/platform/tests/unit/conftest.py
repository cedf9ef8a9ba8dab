"""Makes the checkout importable as ``ansible_collections.harvis.platform``."""

from __future__ import annotations

import sys
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(COLLECTIONS))
