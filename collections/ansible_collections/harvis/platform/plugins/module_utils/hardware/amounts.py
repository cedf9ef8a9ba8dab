"""Writing amounts: plainly for Kubernetes, readably for people."""

from __future__ import annotations

GIB = 1024**3
MIB = 1024**2


def cpu(millicores: int) -> str:
    """``12`` or ``500m``."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def memory(mebibytes: int) -> str:
    """``32Gi`` or ``1536Mi``."""
    return f"{mebibytes // 1024}Gi" if mebibytes % 1024 == 0 else f"{mebibytes}Mi"


def gib(size: float) -> str:
    """Bytes as GiB with at most two digits: ``62.5 GiB``, ``24 GiB``."""
    return f"{round(size / GIB, 2):g} GiB"
