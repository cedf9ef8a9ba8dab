"""Options of every module that talks to a cluster; the document fragment C(cluster) describes them."""

from __future__ import annotations

import typing as t

CLUSTER_OPTIONS: dict[str, t.Any] = {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}
