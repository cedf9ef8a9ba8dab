"""From values and results of a run to what verification expects, and to rows of evidence."""

from __future__ import annotations

import typing as t

Expected = dict[str, dict[str, t.Any]]

_GPU = "nvidia.com/gpu"


def expected(app: dict[str, t.Any], data: dict[str, t.Any]) -> dict[str, t.Any]:
    """All that verification expects of what the values say; in one go, since to lay values together takes time."""
    return {
        "images": expected_containers(app, data, "image"),
        "resources": expected_containers(app, data, "resources"),
        "gpu_containers": granted_containers(app),
    }


def expected_containers(app: dict[str, t.Any], data: dict[str, t.Any], key: str) -> Expected:
    """``image`` or ``resources`` of every container, by ``namespace/workload`` and container, as the values say."""
    merged = app["mergedOllamaBackend"]
    backend = {"backend": merged["backend"][key] if key == "image" else _kept(merged, "backend")}
    if merged["enabled"]:
        backend["ollama"] = merged["ollama"][key] if key == "image" else _kept(merged, "ollama")
    workers = app["global"]["workersNamespace"]
    return {
        f"{app['global']['namespace']}/harvis-backend": backend,
        **{f"{workers}/{name}": {name: worker[key]} for name, worker in app["workers"].items()},
        **{f"{data['global']['namespace']}/{name}": {name: data[name][key]} for name in ("kafka", "qdrant")},
    }


def granted_containers(app: dict[str, t.Any]) -> list[str]:
    """The containers of the merged pod that ask for a GPU."""
    merged = app["mergedOllamaBackend"]
    return [
        name for name in ("ollama", "backend") if merged["enabled"] and _GPU in _kept(merged, name).get("limits", {})
    ]


def _kept(merged: dict[str, t.Any], container: str) -> dict[str, t.Any]:
    """A container's resources; one that may not use the card loses it, as in the chart."""
    resources = merged["resources"] if container == "backend" else merged["ollama"]["resources"]
    if not merged["enabled"] or merged.get("gpuContainer", "both") in ("both", container):
        return resources
    return {
        kind: {name: amount for name, amount in amounts.items() if name != _GPU} for kind, amounts in resources.items()
    }


def release_rows(releases: t.Sequence[dict[str, t.Any]], applied: bool) -> list[dict[str, t.Any]]:
    """A row ``drift`` for each release that was looked at; with ``applied``, differences have been mended."""
    rows = []
    for result in releases:
        if result.get("skipped"):
            continue
        release = result.get("release") or {"name": "release", "namespace": "", "revision": 0}
        differences = result.get("reasons") or []
        passed = applied or not differences
        seen = f"revision {release['revision']}, live objects are as released" if passed else "; ".join(differences)
        subject = f"{release['namespace']}/{release['name']}"
        rows.append({"check": "drift", "subject": subject, "passed": passed, "evidence": seen, "seconds": 0})
    return rows


def host_row(parts: t.Sequence[dict[str, t.Any]], host: str, applied: bool) -> list[dict[str, t.Any]]:
    """The row ``host``: its daemons run and its certificates hold. None where nobody looked."""
    looked = [part for part in parts if "findings" in part]
    faults = [finding for part in looked for finding in part["findings"]]
    if not looked:
        return []
    passed = applied or not faults
    said = "; ".join(f"{f['code']} {f['subject']}: {f['cause']}" for f in faults)
    seen = said if not passed else "daemons run, none is held, certificates hold"
    return [{"check": "host", "subject": host, "passed": passed, "evidence": seen, "seconds": 0}]


def topic_row(result: dict[str, t.Any], wanted: t.Sequence[str], applied: bool) -> list[dict[str, t.Any]]:
    """The row ``topics``: every topic is there as described. None where nobody looked."""
    if result.get("skipped"):
        return []
    differences = result.get("reasons") or []
    passed = applied or not differences
    seen = f"{len(wanted)} topics as described" if passed else "; ".join(differences)
    return [{"check": "topics", "subject": "kafka", "passed": passed, "evidence": seen, "seconds": 0}]


def gpu_host_row(looked: dict[str, t.Any], host: str, simulated: bool) -> dict[str, t.Any]:
    """The row ``gpu-host`` from what gpu_info said of ``host``. What is only a warning is told and passes."""
    findings = looked.get("findings") or []
    cards = ", ".join(gpu["name"] or gpu["device"] for gpu in looked.get("gpus") or []) or "no card"
    loaded = (looked.get("driver") or {}).get("loaded") or "none"
    said = [f"{f['code']} {f['subject']}: {f['cause']}" for f in findings]
    seen = "; ".join([f"{cards}, driver {loaded}", *said]) + (" (simulated)" if simulated else "")
    passed = not any(finding["severity"] == "error" for finding in findings)
    return {"check": "gpu-host", "subject": host, "passed": passed, "evidence": seen, "seconds": 0}


def runtime_rows(daemons: t.Sequence[dict[str, t.Any]], applied: bool) -> list[dict[str, t.Any]]:
    """A row ``gpu-runtime`` for each daemon that has NVIDIA's runtime; with ``applied``, differences were mended."""
    rows = []
    for result in (one for one in daemons if "config" in one):
        differences = [*result["reasons"], *([result["restart_required"]] if result["restart_required"] else [])]
        passed = applied or not differences
        seen = f"{result['config']} is as described and in effect" if passed else "; ".join(differences)
        said = "; ".join([seen, *(f"{f['code']}: {f['cause']}" for f in result.get("findings") or [])])
        row = {"check": "gpu-runtime", "subject": result["item"]["daemon"], "passed": passed}
        rows.append({**row, "evidence": said, "seconds": 0})
    return rows


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "expected": expected,
            "gpu_host_row": gpu_host_row,
            "host_row": host_row,
            "release_rows": release_rows,
            "runtime_rows": runtime_rows,
            "topic_row": topic_row,
        }
