"""What each way does with what is easily missed, found out by doing it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence

from setting import Cluster, Setting
from ways import Peers, Way

DRIFTED = "61m"


def caveats(ways: Sequence[Way], cluster: Cluster) -> list[list[str]]:
    """A row for each thing that can be missed: what it is, and what became of it with each way."""
    looks: dict[str, Callable[[Way, Cluster], str]] = {
        "template edited, chart version as before": template_edit,
        "limit changed by hand in the cluster": drift,
        "source changed, image tag exists (docker_image_build's default)": stale_image,
    }
    return [[name, *(look(way, cluster) for way in ways)] for name, look in looks.items()]


def template_edit(way: Way, cluster: Cluster) -> str:
    """A line in a template of the small chart."""
    if way.deploy_ten("hello").code:
        return "failed before the edit"
    mark = uuid.uuid4().hex[:8]
    template = way.setting.small_chart / "templates/all.yaml"
    original = template.read_text(encoding="utf-8")
    template.write_text(original.replace("data:\n", f'data:\n  edited: "{mark}"\n', 1), encoding="utf-8")
    try:
        way.deploy_ten("hello")
        found = _get(way.setting, cluster, "configmap")
        return "applied" if found["data"].get("edited") == mark else "not seen"
    finally:
        template.write_text(original, encoding="utf-8")


def drift(way: Way, cluster: Cluster) -> str:
    if way.deploy_ten("hello").code:
        return "failed before the change"
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/resources/limits/cpu", "value": DRIFTED}]
    where = ("deployment/small", "-n", f"{way.setting.prefix}-1", "--type=json", "-p", json.dumps(patch))
    cluster.run(cluster.kubectl, "patch", *where)
    way.deploy_ten("hello")
    found = _get(way.setting, cluster, "deployment")
    limit = found["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
    return "not seen" if limit == DRIFTED else "taken back"


def stale_image(way: Way, cluster: Cluster) -> str:
    """Only the peers have this option; the others' code case is the proof of theirs."""
    if not isinstance(way, Peers):
        return "built (see the case of changed code)"
    mark = uuid.uuid4().hex
    way.setting.change_code(mark)
    way.deploy(None, "-e", "rebuild=never")
    return "built" if code_runs(way.setting, cluster, mark) else "not seen"


def code_runs(setting: Setting, cluster: Cluster, mark: str) -> bool:
    """Whether a running worker has the line."""
    where = ("exec", "-n", setting.workers_namespace, "deploy/resonance", "--")
    text = cluster.run(cluster.kubectl, *where, "cat", "/app/workers/vhm_resonance/__init__.py", check=False)
    return mark in text


def value_is(setting: Setting, cluster: Cluster, name: str, wanted: int) -> bool:
    where = ("exec", "-n", setting.workers_namespace, "deploy/resonance", "--", "printenv", name)
    return cluster.run(cluster.kubectl, *where, check=False).strip() == str(wanted)


def _get(setting: Setting, cluster: Cluster, kind: str) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    text = cluster.run(cluster.kubectl, "get", kind, "small", "-n", f"{setting.prefix}-1", "-o", "json")
    found: dict[str, dict[str, dict[str, dict[str, object]]]] = json.loads(text)
    return found
