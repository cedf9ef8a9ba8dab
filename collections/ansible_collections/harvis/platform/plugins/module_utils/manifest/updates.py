"""How a Deployment's pods are replaced."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject


def surge_and_unavailable(deployment: KubernetesObject) -> tuple[int, int]:
    """Pods that a rolling update may have more and fewer than wanted, rounded as Kubernetes does.

    With the strategy ``Recreate`` all may be missing. Where both come out as 0, one may be missing.
    """
    replicas = deployment.get("/spec/replicas", 1)
    replicas = replicas if isinstance(replicas, int) else 1
    if deployment.get("/spec/strategy/type") == "Recreate":
        return 0, replicas
    surge = _share(deployment.get("/spec/strategy/rollingUpdate/maxSurge"), replicas, math.ceil)
    unavailable = _share(deployment.get("/spec/strategy/rollingUpdate/maxUnavailable"), replicas, math.floor)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(value: t.Any, replicas: int, rounded: t.Callable[[float], int]) -> int:
    """25 % where nothing (or nonsense) is said."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value.removesuffix("%") if isinstance(value, str) else "25"
    return rounded(int(text) * replicas / 100) if text.isdigit() else rounded(25 * replicas / 100)
