"""The module's arguments to an audit, or to the answer of the last that was asked the same."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.helm import find_helm
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditRequest, Beside
from ansible_collections.harvis.platform.plugins.module_utils.audit.reuse import reused
from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import NodeCapacity
from ansible_collections.harvis.platform.plugins.module_utils.chart.schema import merge
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError

GIB = 1 << 30
# Its name in a temporary folder; findings call it otherwise.
EXTRA_VALUES = "extra-values.json"

Params = t.Mapping[str, t.Any]


def run_task(params: Params, temporary: str) -> dict[str, t.Any]:
    """Raises HarvisError when there are errors, with all files written."""
    base = Path(params["base_dir"] or ".").absolute()
    request = audit_request(params, base, Path(temporary))
    if not params["require_helm"] and request.chart and not has_helm(request):
        return {"changed": False, "skipped": True, "msg": "There is no helm yet, so the chart was not audited."}

    def make() -> dict[str, t.Any]:
        # Half a second of imports that an answer known already does not need.
        from ansible_collections.harvis.platform.plugins.module_utils.audit.outcome import audited

        return audited(params, base, request)

    return reused(params, request, make)


def audit_request(params: Params, base: Path, temporary: Path) -> AuditRequest:
    def path(name: str) -> Path | None:
        return base / params[name] if params[name] else None

    values = [base / name for name in params["values"]]
    extra = merge(params["extra_values"], params["secret_values"])
    names: dict[str, str] = {}
    if extra:
        file = _written(temporary / EXTRA_VALUES, extra)
        values.append(file)
        names[str(file)] = params["extra_values_name"]
    return AuditRequest(
        beside=tuple(_beside(number, given, base, temporary) for number, given in enumerate(params["beside"])),
        **{name: path(name) for name in ("chart", "sources", "manifests", "playbooks", "acceptances")},
        **{name: params[name] for name in ("namespace", "release", "kubernetes", "components", "strict")},
        values=tuple(values),
        nodes=tuple(_node(node) for node in params["nodes"]),
        helm=params["helm"] or "",
        cache=path("cache_dir"),
        base=base,
        names=names,
    )


def _beside(number: int, given: Params, base: Path, temporary: Path) -> Beside:
    values = [base / name for name in given["values"]]
    if given["extra_values"]:
        values.append(_written(temporary / f"beside-{number}.json", given["extra_values"]))
    return Beside(base / given["path"], tuple(values), given["namespace"] or "", given["release"] or "")


def _written(file: Path, values: Params) -> Path:
    """Values as a file that nobody else can read."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(values, indent=1))
    return file


def has_helm(request: AuditRequest) -> bool:
    try:
        find_helm(request.helm, request.base, request.cache)
    except HarvisError:
        return False
    return True


def _node(node: Params) -> NodeCapacity:
    return NodeCapacity(node["cpu"], int(node["memory_gib"] * GIB), node["gpus"], int(node["gpu_memory_gib"] * GIB))
