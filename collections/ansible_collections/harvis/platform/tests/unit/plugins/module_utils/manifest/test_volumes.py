"""VEC-PATH: volumes of known servers."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.volumes import DETECTORS
from ansible_collections.harvis.platform.plugins.module_utils.manifest.server_folders import server_of
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    findings,
    found,
    subject,
)

CLAIM = "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]"
HOST = "volumes: [{name: data, hostPath: {path: /srv}}]"
EMPTY = "volumes: [{name: data, emptyDir: {}}]"
QDRANT = "qdrant/qdrant:v1.15.4"
REDIS = "command: [redis-server, /etc/redis/redis.conf]"


def mounted(path: str, more: str = "") -> str:
    return f"volumeMounts: [{{name: data, mountPath: {path}}}]\n{more}"


CASES = [
    pytest.param(QDRANT, mounted("/mem0/storage"), CLAIM, True, id="elsewhere"),
    pytest.param(QDRANT, mounted("/qdrant/storage"), CLAIM, False, id="there"),
    pytest.param(QDRANT, mounted("/qdrant"), CLAIM, False, id="above"),
    pytest.param(QDRANT, mounted("/qdrant/storage/collections"), CLAIM, False, id="below"),
    pytest.param(QDRANT, mounted("/mem0", "env: [{name: Q, value: /mem0/x}]"), CLAIM, False, id="told-by-variable"),
    pytest.param(QDRANT, mounted("/mem0", "env: [{name: Q, value: /mem0x}]"), CLAIM, True, id="told-of-another"),
    pytest.param(QDRANT, mounted("/mem0", "envFrom: [{secretRef: {name: s}}]"), CLAIM, False, id="unknown-variables"),
    pytest.param(QDRANT, mounted("/backup"), CLAIM, False, id="another-purpose"),
    pytest.param(QDRANT, mounted("/mem0/storage"), EMPTY, False, id="nothing-is-kept"),
    pytest.param(QDRANT, mounted("/mem0/storage"), HOST, True, id="host-path-for-data"),
    pytest.param(QDRANT, mounted("/usr/share/zoneinfo"), HOST, False, id="host-path-for-something"),
    pytest.param("mirror.example.com:5000/qdrant/qdrant:v1", mounted("/x"), CLAIM, True, id="a-mirror"),
    pytest.param("example.com/shop/search:v1", mounted("/x"), CLAIM, False, id="a-server-that-nobody-knows"),
    pytest.param("bitnami/redis:8", mounted("/bitnami/redis/data"), CLAIM, False, id="an-image-of-others"),
    pytest.param("redis:8", mounted("/cache-data", REDIS), CLAIM, True, id="its-own-program"),
    pytest.param("redis:8", mounted("/work", "command: [sh, -c, redis-cli]"), CLAIM, False, id="no-server-runs"),
    pytest.param("mysql:9", mounted("/var/lib/mysql"), CLAIM, False, id="mysql"),
    pytest.param("mysql:9", mounted("/data", "args: [--datadir=/data/mysql]"), CLAIM, False, id="told-by-argument"),
    pytest.param("mongo:8", mounted("/var/lib/mongodb"), CLAIM, True, id="mongodb"),
    pytest.param("postgres:17", mounted("/var/lib/postgresql/data"), CLAIM, False, id="postgresql-17"),
    pytest.param("postgres:18", mounted("/var/lib/postgresql/data"), CLAIM, True, id="postgresql-18"),
    pytest.param("postgres:18", mounted("/var/lib/postgresql"), CLAIM, False, id="postgresql-18-there"),
    pytest.param("postgres", mounted("/var/lib/postgresql/data"), CLAIM, False, id="postgresql-of-any-version"),
    pytest.param("minio/minio:x", mounted("/export", "args: [server, /data]"), CLAIM, True, id="minio"),
    pytest.param("minio/minio:x", mounted("/data", "args: [server, /data]"), CLAIM, False, id="minio-there"),
    pytest.param("ollama/ollama:1", mounted("/root/.ollama"), CLAIM, False, id="ollama"),
    pytest.param("ollama/ollama:1", mounted("/models", "args: [serve]"), CLAIM, False, id="ollama-another-program"),
    pytest.param("ollama/ollama:1", mounted("/models"), CLAIM, True, id="ollama-elsewhere"),
]


@pytest.mark.parametrize(("image", "container", "pod", "wanted"), CASES)
def test_volumes(image: str, container: str, pod: str, wanted: bool) -> None:
    given = subject(deployment(container, pod=pod, image=image))

    assert found(DETECTORS, given) == (
        [("VEC-PATH", "/spec/template/spec/containers/0/volumeMounts/0/mountPath")] if wanted else []
    )


def test_a_backup_with_the_servers_image_runs_no_server() -> None:
    text = deployment(mounted("/x"), pod=CLAIM, image="postgres:17").replace("apps/v1", "batch/v1")

    assert found(DETECTORS, subject(text.replace("kind: Deployment", "kind: Job"))) == []


def test_a_file_that_names_the_folder() -> None:
    mounts = "volumeMounts: [{name: data, mountPath: /kafka}, {name: config, mountPath: /etc/kafka}]"
    pod = "volumes: [{name: data, persistentVolumeClaim: {claimName: a}}, {name: config, configMap: {name: kafka}}]"
    config = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: kafka}, data: {p: 'log.dirs=%s'}}\n"
    kafka = deployment(mounts, pod=pod, image="apache/kafka:4.1.0")

    assert found(DETECTORS, subject(kafka)) == []  # nobody knows what the file says
    assert found(DETECTORS, subject(kafka + config % "/kafka/data")) == []
    assert len(findings(DETECTORS, subject(kafka + config % "/tmp/logs"))) == 1


@pytest.mark.parametrize(
    ("image", "folder"),
    [
        ("pgvector/pgvector:0.8.0-pg17", "/var/lib/postgresql/data"),
        ("pgvector/pgvector:pg18", "/var/lib/postgresql/18/docker"),
        ("postgis/postgis:16-3.4", "/var/lib/postgresql/data"),
        ("postgres:18.1-alpine@sha256:0", "/var/lib/postgresql/18/docker"),
    ],
)
def test_the_version_of_postgresql(image: str, folder: str) -> None:
    server = server_of(image, [])

    assert server is not None
    assert server.folders == (folder,)
