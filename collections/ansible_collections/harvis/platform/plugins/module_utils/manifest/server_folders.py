"""Where well-known servers keep their data: the one table of it.

A server stands here only if its image writes to a fixed folder unless told otherwise by text that names the folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.manifest.image_name import path, tag


@dataclass(frozen=True)
class Server:
    """``folders`` are those that the image may write to by default; ``programs`` start the server, besides the
    image's own entrypoint. ``told_by`` are variables that name another folder."""

    name: str
    images: re.Pattern[str]
    folders: tuple[str, ...]
    programs: frozenset[str]
    told_by: frozenset[str] = frozenset()


def _server(name: str, images: str, folders: str, programs: str, told_by: str = "") -> Server:
    pattern = re.compile(rf"(?:.*/)?(?:{images})")
    return Server(name, pattern, tuple(folders.split()), frozenset(programs.split()), frozenset(told_by.split()))


# Images by the path in their registry, so that a mirror's name counts as well. Bitnami's have folders of their own.
_SERVERS = (
    _server(
        "Qdrant", "qdrant/qdrant|qdrant", "/qdrant/storage", "qdrant entrypoint.sh", "QDRANT__STORAGE__STORAGE_PATH"
    ),
    _server("MySQL", "mysql|mysql-server|mariadb", "/var/lib/mysql", "mysqld mariadbd"),
    _server("Redis", "redis|valkey|redis-stack|redis-stack-server", "/data", "redis-server valkey-server"),
    _server("MongoDB", "mongo|mongodb-community-server", "/data/db", "mongod"),
    _server(
        "Kafka",
        "apache/kafka|apache/kafka-native",
        "/tmp/kraft-combined-logs /tmp/kafka-logs",
        "kafka-server-start.sh run",
        "KAFKA_LOG_DIRS KAFKA_LOG_DIR",
    ),
    _server("Kafka", "confluentinc/cp-kafka|confluentinc/cp-server", "/var/lib/kafka/data", "run", "KAFKA_LOG_DIRS"),
    _server("Ollama", "ollama/ollama|ollama", "/root/.ollama", "ollama", "OLLAMA_MODELS HOME"),
    _server("Elasticsearch", "elasticsearch", "/usr/share/elasticsearch/data", "elasticsearch", "path.data"),
    _server("OpenSearch", "opensearch", "/usr/share/opensearch/data", "opensearch", "path.data"),
    _server("RabbitMQ", "rabbitmq", "/var/lib/rabbitmq", "rabbitmq-server", "RABBITMQ_MNESIA_BASE"),
)
_POSTGRES = _server("PostgreSQL", "postgres|postgis|pgvector|timescaledb", "", "postgres", "PGDATA")
_POSTGRES_FOLDER = "/var/lib/postgresql/data"
_POSTGRES_MAJOR = re.compile(r"(?:.*pg|^)(?P<major>\d+)(?!.*pg\d)")
_MINIO = _server("MinIO", "minio/minio|minio", "", "minio server", "MINIO_VOLUMES")
_BY_OTHERS = re.compile(r"(?:^|/)(?:bitnami\w*|cloudpirates|chainguard)(?:/|$)")


def server_of(image: str, arguments: list[str]) -> Server | None:
    """The server in an image, with the folders that this version and these arguments make it write to."""
    name = path(image)
    if _BY_OTHERS.search(image):
        return None
    if _POSTGRES.images.fullmatch(name):
        return _with(_POSTGRES, _postgres_folders(tag(image)))
    if _MINIO.images.fullmatch(name):
        return _with(_MINIO, _minio_folders(arguments))
    return next((server for server in _SERVERS if server.images.fullmatch(name)), None)


def _with(server: Server, folders: tuple[str, ...]) -> Server | None:
    return Server(server.name, server.images, folders, server.programs, server.told_by) if folders else None


def _postgres_folders(version: str) -> tuple[str, ...]:
    """From 18 on the folder holds the version (https://github.com/docker-library/postgres/pull/1259)."""
    match = _POSTGRES_MAJOR.match(version)
    if match is None:
        return (_POSTGRES_FOLDER, "/var/lib/postgresql/18/docker")
    major = int(match["major"])
    return (f"/var/lib/postgresql/{major}/docker",) if major >= 18 else (_POSTGRES_FOLDER,)


def _minio_folders(arguments: list[str]) -> tuple[str, ...]:
    """MinIO writes where ``server``'s arguments say."""
    behind = arguments[arguments.index("server") + 1 :] if "server" in arguments else []
    return tuple(word for word in behind if word.startswith("/"))
