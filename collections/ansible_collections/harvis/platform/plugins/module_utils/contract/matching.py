"""Which sources belong to which container."""

from __future__ import annotations

import fnmatch
import posixpath
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract.dockerfile import instructions
from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import (
    Application,
    command,
    find_entries,
    merged,
    read_application,
)
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import folder_files
from ansible_collections.harvis.platform.plugins.module_utils.contract.start import find_start
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import Environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container

_DOCKERFILE = re.compile(r"(?:(?P<before>.+)\.)?(?:Dockerfile|Containerfile)(?:\.(?P<after>.+))?", re.IGNORECASE)
_PLAIN_WORDS = frozenset(
    [
        "docker",
        "dockerfile",
        "app",
        "apps",
        "application",
        "src",
        "image",
        "images",
        "build",
        "container",
        "service",
        "services",
        "dev",
        "prod",
        "main",
    ]
)
# Images that everybody uses as they are: a folder of the same name is not what they are built from.
_PUBLIC = frozenset(
    [
        "nginx",
        "redis",
        "postgres",
        "postgresql",
        "mysql",
        "mariadb",
        "mongo",
        "mongodb",
        "kafka",
        "zookeeper",
        "rabbitmq",
        "qdrant",
        "ollama",
        "busybox",
        "alpine",
        "curl",
        "envoy",
        "haproxy",
        "traefik",
        "grafana",
        "prometheus",
        "minio",
        "elasticsearch",
        "memcached",
        "vault",
        "consul",
        "etcd",
        "python",
        "node",
        "debian",
        "ubuntu",
        "kubectl",
        "git",
        "pgbouncer",
        "valkey",
        "nats",
        "influxdb",
        "clickhouse",
        "weaviate",
        "milvus",
        "keycloak",
    ]
)
EXACT, BY_COMMAND = 2, 4


@dataclass(frozen=True)
class Component:
    """What somebody says about a container: folder of the build context, Dockerfile in it, module that is started."""

    source: str = ""
    dockerfile: str = ""
    entry: str = ""

    @classmethod
    def from_option(cls, name: str, given: t.Any) -> Component:
        known = {"source", "dockerfile", "entry"}
        if not isinstance(given, dict) or set(given) - known:
            raise fail(
                "PLB-INPUT", f"components.{name}", f"takes {', '.join(sorted(known))}", fix="Correct the option."
            )
        return cls(**{key: str(value) for key, value in given.items()})


@dataclass(eq=False)
class Candidates:
    """Everything below the sources that an image can be built from."""

    sources: Path
    # Every parsed file of the sources: whoever shows this object waits for minutes.
    applications: dict[tuple[Path, Path | None], Application] = field(repr=False)
    unreadable: list[str]

    def of_component(self, component: Component) -> Application:
        """Raises HarvisError (VAL-INPUT) when the sources do not have what the component names."""
        context = self.sources / component.source
        dockerfile = context / component.dockerfile if component.dockerfile else self._dockerfile_of(context)
        if not context.is_dir() or (dockerfile is not None and not dockerfile.is_file()):
            missing = context if not context.is_dir() else dockerfile
            raise fail("VAL-INPUT", str(missing), "is not there", fix="Correct the option components.")
        key = (context, dockerfile)
        if key not in self.applications:
            self.applications[key] = read_application(self.sources, context, dockerfile)
        return self.applications[key]

    def _dockerfile_of(self, context: Path) -> Path | None:
        known = [d for c, d in self.applications if d is not None and (c == context or context in d.parents)]
        return known[0] if len(known) == 1 else None


def find_candidates(sources: Path) -> Candidates:
    """Every Dockerfile with its context; without one, the folder as a whole."""
    found = Candidates(sources, {}, [])
    files = folder_files(sources)
    for path, file in files.items():
        if _DOCKERFILE.fullmatch(posixpath.basename(path)) and not path.endswith((".dockerignore", ".md")):
            try:
                context = find_context(file, sources)
                found.applications[(context, file)] = read_application(sources, context, file)
            except (OSError, UnicodeDecodeError) as exc:
                found.unreadable.append(f"{path}: {exc}")
    if not found.applications:
        found.applications[(sources, None)] = read_application(sources, sources, None)
    return found


def find_context(dockerfile: Path, sources: Path) -> Path:
    """The nearest folder above a Dockerfile that has all it copies, and Python if it copies everything."""
    wanted = []
    for instruction in instructions(dockerfile.read_text(encoding="utf-8")):
        if instruction.name in ("COPY", "ADD") and "from" not in instruction.flags and not instruction.heredocs:
            wanted += [w.strip("/") for w in instruction.words()[:-1] if "$" not in w and "://" not in w]
    above = [f for f in dockerfile.parents if f == sources or sources in f.parents] or [dockerfile.parent]
    scores = [(sum(_has(folder, path) for path in wanted), -depth, folder) for depth, folder in enumerate(above)]
    return max(scores, key=lambda score: score[:2])[2]


def _has(folder: Path, path: str) -> bool:
    if path in ("", ".", "./"):
        return any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
    return any(folder.glob(path)) if any(c in path for c in "*?[") else (folder / path).exists()


def choose_application(
    candidates: Candidates, container: Container, given: Environment, images: t.Collection[str]
) -> Application | None:
    """The one application that the container's image or command points at; None where none does, or several."""
    name = image_name(container)
    applications = list(candidates.applications.items())
    scored = [(_score(a, key[1], name, container, given), a) for key, a in applications]
    best = max((score for score, _ in scored), default=0)
    winners = [a for score, a in scored if score == best]
    if best > 0 and len(winners) == 1:
        return winners[0]
    own = {i for i in images if i not in _PUBLIC}
    only = len(applications) == 1 and len(own) == 1 and name in own
    return applications[0][1] if only else None


def _score(
    application: Application, dockerfile: Path | None, name: str, container: Container, given: Environment
) -> int:
    environment = merged(application, given)
    score = 0
    if container.body.get("command") or container.body.get("args") or given.variables:
        argv = command(application, container, given)
        start = find_start(argv, environment, application.files, application.folder)
        image = {k: s.value for k, s in application.environment.items()}
        default = application.image
        own = (
            find_start([*default.entrypoint, *default.command], image, application.files, application.folder)
            if default
            else None
        )
        if start.is_python and (own is None or (start.module, start.script) != (own.module, own.script)):
            score += BY_COMMAND if find_entries(application, start, environment) else 0
    if name in _PUBLIC:
        return score
    words = _words(name)
    known = _words(application.context.name)
    if dockerfile is not None:
        match = _DOCKERFILE.fullmatch(dockerfile.name)
        known |= _words(dockerfile.parent.name)
        known |= _words((match["before"] or match["after"] or "") if match else "")
    return score + len(words & known) + (EXACT if words and words == known else 0)


def _words(name: str) -> set[str]:
    return {w for w in re.split(r"[-_.\s]+", name.lower()) if w and w not in _PLAIN_WORDS}


def image_name(container: Container) -> str:
    """The last part of the image's name, without tag and digest."""
    image = str(container.body.get("image", ""))
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def component_of(components: t.Mapping[str, Component], container: Container) -> Component | None:
    """By the container's name, its workload's, or its image's; patterns are allowed."""
    names = (
        container.name,
        container.pod.owner.name,
        f"{container.pod.owner.name}/{container.name}",
        image_name(container),
    )
    for pattern, component in components.items():
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            return component
    return None
