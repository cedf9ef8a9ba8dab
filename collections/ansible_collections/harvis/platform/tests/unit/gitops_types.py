"""The object types of Flux and Argo CD on the real API server; none of their controllers runs."""

from __future__ import annotations

import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.kube import ApiRefusal, KubeClient, ObjectRef, connect
from ansible_collections.harvis.platform.tests.unit.api_server import ApiServer

_SCRIPT = Path(__file__).resolve().parents[6] / "tools/gitops/definitions"
# Not 2, with which Python ends where the script itself is missing.
_NOT_TO_BE_HAD = 3
_WANTED = ("helmreleases", "kustomizations", "gitrepositories", "application-crd")
_ESTABLISHED_SECONDS = 60.0
Object = dict[str, t.Any]


def install(server: ApiServer) -> KubeClient:
    """Have the definitions on the server, once. Skips where Go or its module proxy is missing."""
    done = subprocess.run([sys.executable, str(_SCRIPT)], capture_output=True, text=True, timeout=1200, check=False)
    if done.returncode == _NOT_TO_BE_HAD:
        pytest.skip(f"the object types of Flux and Argo CD cannot be had: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    cluster = connect(str(server.kubeconfig))
    paths = [p for p in Path(done.stdout.strip()).glob("*.yaml") if any(word in p.name for word in _WANTED)]
    assert len(paths) == len(_WANTED)
    for path in paths:
        _install(cluster, yaml.safe_load(path.read_text(encoding="utf-8")))
    # What is served now is not what this client learnt at its start.
    return connect(str(server.kubeconfig))


def _install(cluster: KubeClient, body: Object) -> None:
    try:
        cluster.create(body)
    except ApiRefusal as exc:
        if exc.reason != "AlreadyExists":
            raise
    ref, deadline = ObjectRef.of(body), time.monotonic() + _ESTABLISHED_SECONDS
    while time.monotonic() < deadline:
        conditions = ((cluster.get(ref) or {}).get("status") or {}).get("conditions") or []
        if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
            return
        time.sleep(0.1)
    pytest.fail(f"{ref} is not established")


def helm_release(name: str, namespace: str, **spec: t.Any) -> Object:
    chart = {"chart": "charts/web", "sourceRef": {"kind": "GitRepository", "name": "shop"}}
    metadata = {"name": name, "namespace": namespace}
    described = {"interval": "10m", "chart": {"spec": chart}, **spec}
    return {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": metadata, "spec": described}


def kustomization(name: str, namespace: str, **spec: t.Any) -> Object:
    source = {"kind": "GitRepository", "name": "shop"}
    described = {"interval": "5m", "path": "./apps", "prune": True, "sourceRef": source, **spec}
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": metadata,
        "spec": described,
    }


def application(name: str, namespace: str, **spec: t.Any) -> Object:
    described = {
        "project": "default",
        "destination": {"namespace": namespace, "server": "https://kubernetes.default.svc"},
        "source": {"repoURL": "https://me:hush@git.example/shop.git", "path": "apps", "targetRevision": "main"},
        **spec,
    }
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": described}


def report(server: ApiServer, body: Object, status: Object) -> None:
    """Write a status as a controller does."""
    from kubernetes import client, config

    library: t.Any = config
    api = client.CustomObjectsApi(library.new_client_from_config(str(server.kubeconfig)))
    group, _, version = body["apiVersion"].partition("/")
    plural = f"{body['kind'].lower()}s"
    place = (group, version, body["metadata"]["namespace"], plural, body["metadata"]["name"])
    api.patch_namespaced_custom_object_status(*place, {"status": status}, field_manager="helm-controller")
