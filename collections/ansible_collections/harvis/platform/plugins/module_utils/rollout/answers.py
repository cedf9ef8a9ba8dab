"""What the endpoint of a probe answers, asked through the API server as the kubelet asks it."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

_WIDEST = 400


def probe_path(pod: Object, container: str, kind: str = "readinessProbe") -> str:
    """Path on the API server that leads to the endpoint of this HTTP probe; empty where it has none."""
    spec = next((spec for spec in pod["spec"]["containers"] if spec["name"] == container), {})
    asked = (spec.get(kind) or {}).get("httpGet")
    if not asked:
        return ""
    port = _number(spec, asked.get("port"))
    scheme = "https:" if str(asked.get("scheme", "")).upper() == "HTTPS" else ""
    metadata = pod["metadata"]
    place = f"/api/v1/namespaces/{metadata['namespace']}/pods/{scheme}{metadata['name']}:{port}/proxy"
    return place + "/" + str(asked.get("path") or "/").lstrip("/")


def _number(spec: Object, port: t.Any) -> t.Any:
    named = {entry.get("name"): entry.get("containerPort") for entry in spec.get("ports") or []}
    return named.get(port, port)


def said(status: int, body: str) -> str:
    """The answer in one line; of a report of checks only those that fail."""
    causes = failed_checks(body)
    told = "; ".join(causes) if causes else " ".join(body.split())[:_WIDEST]
    return f"it answers {status}" + (f": {told}" if told else "")


def failed_checks(body: str) -> list[str]:
    """``name: cause`` of each check that is not ok in the platform's own readiness reports."""
    try:
        checks = json.loads(body)["checks"]
        items = checks.items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    return [
        f"{name}: {check.get('cause') or 'not ok'}"
        for name, check in items
        if isinstance(check, dict) and check.get("ok") is False
    ]
