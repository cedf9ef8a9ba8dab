"""``<SERVICE>_PORT`` in sources: a number to the program, a URL when Kubernetes sets it for a Service."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.contract.check import check_contract
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import read_manifests

Write = t.Callable[[dict[str, str]], Path]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: shop, namespace: shop}}
spec:
  {spec}
  containers:
    - name: shop
      image: registry.example.com/shop:1
      {container}
"""
REDIS = """
apiVersion: v1
kind: Service
metadata: {name: my-redis, namespace: shop}
spec: {selector: {app: redis}, ports: [{port: 6379}]}
"""
NUMBER = "import os\nPORT = int(os.environ.get('MY_REDIS_PORT', '6379'))\nprint(PORT)\n"
TEXT = "import os\nprint(os.environ.get('MY_REDIS_PORT', '6379'))\n"
DOCKERFILE = 'FROM python:3.12-slim\n{more}WORKDIR /srv\nCOPY . .\nCMD ["python", "main.py"]\n'


def links(write: Write, text: str, services: str = REDIS, more: str = "", **pod: str) -> list[Finding]:
    manifests = {"k8s/pod.yaml": POD.format(**{"spec": "", "container": "", **pod}), "k8s/services.yaml": services}
    root = write({"sources/main.py": text, "sources/Dockerfile": DOCKERFILE.format(more=more), **manifests})
    findings, _ = check_contract(read_manifests(root / "k8s").objects, root / "sources")
    return [finding for finding in findings if finding.code == "ENV-LINKS"]


@pytest.mark.fault("F47", code="ENV-LINKS")
def test_a_number_that_kubernetes_sets_to_a_url(write: Write) -> None:
    (finding,) = links(write, NUMBER)

    assert finding.cause == (
        "for Service my-redis Kubernetes sets MY_REDIS_PORT in container shop, which reads such names"
    )
    assert finding.evidence.startswith("a value such as tcp://10.96.0.10:6379; ")
    assert finding.evidence.endswith("read at main.py:2")
    assert finding.place is not None
    assert (finding.place.object, finding.place.field) == ("shop/Pod/shop", "/spec")


def test_a_text_as_well(write: Write) -> None:
    assert [f.evidence for f in links(write, TEXT)] == ["a value such as tcp://10.96.0.10:6379; read at main.py:2"]


HEALTHY = [
    pytest.param(NUMBER, REDIS, "", {"spec": "enableServiceLinks: false"}, id="no-links"),
    pytest.param(NUMBER, REDIS, "", {"container": "env: [{name: MY_REDIS_PORT, value: '6379'}]"}, id="set-by-the-pod"),
    pytest.param(NUMBER, REDIS, "ENV MY_REDIS_PORT=6379\n", {}, id="set-by-the-image"),
    pytest.param(NUMBER, REDIS.replace("selector", "clusterIP: None, selector"), "", {}, id="headless"),
    pytest.param(NUMBER, REDIS.replace("namespace: shop", "namespace: other"), "", {}, id="of-another-namespace"),
    pytest.param(NUMBER, REDIS.replace("my-redis", "redis"), "", {}, id="of-another-name"),
    pytest.param(
        NUMBER, REDIS, "", {"container": "envFrom: [{configMapRef: {name: elsewhere}}]"}, id="perhaps-set-elsewhere"
    ),
    pytest.param(f"{TEXT}print(os.environ['MY_REDIS_SERVICE_HOST'])\n", REDIS, "", {}, id="links-are-wanted"),
    pytest.param(f"{TEXT}print('tcp://')\n", REDIS, "", {}, id="links-are-understood"),
    pytest.param("print(1)\n", REDIS, "", {}, id="not-read"),
]


@pytest.mark.parametrize(("text", "services", "more", "pod"), HEALTHY)
def test_nothing_is_said(write: Write, text: str, services: str, more: str, pod: dict[str, str]) -> None:
    assert links(write, text, services, more, **pod) == []
