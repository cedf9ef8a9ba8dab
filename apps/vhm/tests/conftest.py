"""The sources under test, importable as in the image: the application's root, then the shared package's folder."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).parent
for _folder in (_TESTS.parent, _TESTS.parent / "common" / "utils", _TESTS):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
