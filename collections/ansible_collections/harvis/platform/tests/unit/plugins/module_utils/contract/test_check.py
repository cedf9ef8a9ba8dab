"""Healthy repositories give nothing, and what cannot be known is said to be unknown."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.contract.check import check_contract
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import read_manifests

Write = t.Callable[[dict[str, str]], Path]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: shop, namespace: shop}}
spec:
  containers:
    - name: shop
      image: registry.example.com/shop:1
      {rest}
"""
DOCKERFILE = (
    'FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["python", "main.py"]\n'
)


def check(write: Write, files: dict[str, str], rest: str = "", *, strict: bool = False) -> tuple[list[str], list[str]]:
    """Codes found, and what was not checked."""
    root = write({f"sources/{name}": text for name, text in files.items()} | {"k8s/pod.yaml": POD.format(rest=rest)})
    findings, not_checked = check_contract(read_manifests(root / "k8s").objects, root / "sources", strict=strict)
    return [f.code for f in findings], not_checked


HEALTHY: dict[str, tuple[dict[str, str], str]] = {
    "an optional import": ({"main.py": "try:\n    import orjson as json\nexcept ImportError:\n    import json\n"}, ""),
    "an import of a type": (
        {"main.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import structlog\n"},
        "",
    ),
    "what a requirement brings along": (
        {"main.py": "import starlette\n", "requirements.txt": "fastapi\nuvicorn\n"},
        "",
    ),
    "an import that a distribution with another name brings": (
        {"main.py": "import yaml\nimport PIL\n", "requirements.txt": "PyYAML==6.0\npillow==11.0 --hash=sha256:0\n"},
        "",
    ),
    "settings of runtime and libraries": (
        {"main.py": "import boto3\n", "requirements.txt": "boto3\n"},
        "env: [{name: TZ, value: UTC}, {name: AWS_REGION, value: eu}, {name: PYTHONUNBUFFERED, value: '1'}]",
    ),
    "a variable in the command": (
        {"main.py": "print(1)\n"},
        "command: [python, main.py, --name, $(SHOP_NAME)]\n      env: [{name: SHOP_NAME, value: x}]",
    ),
    "a variable that another one uses": (
        {"main.py": "import os\nU = os.environ['URL']\n"},
        "env: [{name: HOST_PART, value: x.example.com}, {name: URL, value: 'https://$(HOST_PART)/'}]",
    ),
    "an empty value that the code tests": (
        {"main.py": "import os\nT = os.getenv('TOKEN_URL') or 'http://x'\n"},
        "env: [{name: TOKEN_URL, value: ''}]",
    ),
    "a value of the running pod": (
        {"main.py": "import os\nN = int(os.environ['CPUS'])\n"},
        "env: [{name: CPUS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]",
    ),
    "the image sets it": (
        {"Dockerfile": f"{DOCKERFILE}ENV STORE=x\n", "main.py": "import os\nS = os.environ['STORE']\n"},
        "",
    ),
    "all variables with a prefix": (
        {"main.py": "import os\nS = {k: v for k, v in os.environ.items() if k.startswith('SHOP_')}\n"},
        "env: [{name: SHOP_ANYTHING, value: x}]",
    ),
    "a configuration file that names it": (
        {"main.py": "print(1)\n", "logging.ini": "[x]\nlevel = ${SHOP_LEVEL}\n"},
        "env: [{name: SHOP_LEVEL, value: x}]",
    ),
    "a namespace package": ({"main.py": "from parts.one import A\n", "parts/one.py": "A = 1\n"}, ""),
    "a name from a star": ({"main.py": "from a import X\n", "a.py": "from b import *\n", "b.py": "X = 1\n"}, ""),
    "a name made at run time": ({"main.py": "from a import X\n", "a.py": "globals()['X'] = 1\n"}, ""),
    "a script for developers": (
        {"main.py": "print(1)\n", "tools/seed.py": "import os\nP = os.environ['ADMIN']\n"},
        "",
    ),
    "a secret that is not in the repository": (
        {"main.py": "import os\nP = os.environ['PASSWORD']\n"},
        "env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: elsewhere, key: password}}}]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "rest"), HEALTHY.values(), ids=HEALTHY.keys())
def test_a_healthy_repository_gives_nothing(write: Write, files: dict[str, str], rest: str) -> None:
    codes, _ = check(write, {"Dockerfile": DOCKERFILE, "requirements.txt": "six\n", **files}, rest)

    assert codes == []


UNKNOWN: dict[str, tuple[dict[str, str], str, str]] = {
    "a base with unknown content": (
        {"Dockerfile": DOCKERFILE.replace("python:3.12-slim", "company/base:1"), "main.py": "import structlog\n"},
        "",
        "whether its image has structlog is not known",
    ),
    "requirements that may bring anything": (
        {"main.py": "import structlog\n", "requirements.txt": "our-framework\n"},
        "",
        "whether its image has structlog is not known",
    ),
    "a start that cannot be followed": (
        {
            "Dockerfile": DOCKERFILE.replace('["python", "main.py"]', '["/run"]'),
            "main.py": "import os\nos.environ['A']\n",
        },
        "",
        "what it starts is not known",
    ),
    "the whole environment": (
        {"main.py": "import os, other\nother.take(os.environ)\n", "requirements.txt": "other\n"},
        "env: [{name: ANY, value: x}]",
        "hands on its whole environment",
    ),
    "a ConfigMap of somebody else": (
        {"main.py": "import os\nos.environ['A']\n"},
        "envFrom: [{configMapRef: {name: elsewhere}}]",
        "takes all of a ConfigMap or Secret that is not among the objects",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "rest", "said"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_not_known_is_said_and_no_finding(write: Write, files: dict[str, str], rest: str, said: str) -> None:
    codes, not_checked = check(write, {"Dockerfile": DOCKERFILE, "requirements.txt": "six\n", **files}, rest)

    assert codes == []
    assert any(said in text for text in not_checked), not_checked


def test_an_image_without_sources_is_not_checked(write: Write) -> None:
    root = write({"sources/main.py": "import os\nos.environ['A']\n", "k8s/pod.yaml": POD.format(rest="")})
    pod = root / "k8s/pod.yaml"
    pod.write_text(pod.read_text().replace("registry.example.com/shop:1", "redis:7"))

    findings, not_checked = check_contract(read_manifests(root / "k8s").objects, root / "sources")

    assert findings == []
    assert [text.partition(": ")[2] for text in not_checked] == ["no sources belong to its image redis:7"]


def test_without_a_dockerfile_sources_and_manifests_are_enough(write: Write) -> None:
    codes, _ = check(write, {"main.py": "import os\nA = os.environ['STORE']\n"}, "env: [{name: STORES, value: x}]")

    assert codes == ["ENV-UNREAD", "ENV-MISSING"]


def test_a_package_hidden_by_another_of_its_name(write: Write) -> None:
    files = {
        "Dockerfile": f"{DOCKERFILE}ENV PYTHONPATH=/srv/old:/srv/new\n",
        "requirements.txt": "six\n",
        "main.py": "from shared.config import A\n",
        "old/shared/__init__.py": "",
        "new/shared/__init__.py": "",
        "new/shared/config.py": "A = 1\n",
    }
    codes, _ = check(write, files)
    healthy, _ = check(write, {**files, "Dockerfile": f"{DOCKERFILE}ENV PYTHONPATH=/srv/new:/srv/old\n"})

    assert (codes, healthy) == (["ENV-PATH"], [])


def test_a_secret_value_is_not_shown(write: Write) -> None:
    rest = "env: [{name: API_TOKEN, value: not-a-number-42}]"
    root = write(
        {"sources/main.py": "import os\nA = int(os.environ['API_TOKEN'])\n", "k8s/p.yaml": POD.format(rest=rest)}
    )
    (finding,), _ = check_contract(read_manifests(root / "k8s").objects, root / "sources")

    assert finding.code == "ENV-TYPE"
    assert "not-a-number-42" not in str(finding)
