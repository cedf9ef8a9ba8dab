"""Finding a Docker command line that can really do BuildKit."""

from __future__ import annotations

import re
import shutil
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

# From this version on BuildKit comes with the buildx plugin; older ones carry it inside.
BUILDX_SINCE = 23
BUILDKIT_SINCE = (18, 9)
_USUAL = ("/usr/bin/docker", "/usr/local/bin/docker")
_VERSION = re.compile(r"Docker version (\d+)\.(\d+)\S*")


@dataclass(frozen=True)
class BuildCli:
    """A program that builds; ``buildkit`` says where its BuildKit comes from: ``buildx`` or ``built-in``."""

    path: str
    version: str
    buildkit: str

    @property
    def build_command(self) -> tuple[str, ...]:
        if self.buildkit == "buildx":
            # The builder called "default" is the daemon's own: only it sees images that no registry has.
            return (self.path, "buildx", "build", "--builder", "default", "--load")
        return (self.path, "build")

    @property
    def environment(self) -> dict[str, str]:
        return {} if self.buildkit == "buildx" else {"DOCKER_BUILDKIT": "1"}

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def find_build_cli(runner: Runner, candidates: t.Sequence[str] | None = None) -> BuildCli:
    """The first candidate that can do BuildKit.

    Raises IMG-DOCKER, with what is wrong with each candidate, when there is none.
    """
    refused: list[str] = []
    for path in usual_candidates() if candidates is None else candidates:
        found = _examine(path, runner)
        if isinstance(found, BuildCli):
            return found
        refused.append(f"{path}: {found}")
    cause = "no Docker command line here can build with BuildKit"
    fix = "Install the package docker.io (20.10 has BuildKit inside), or the package docker-buildx for a newer CLI."
    raise image_error(
        "IMG-DOCKER", "docker", cause, evidence="\n".join(refused) or "no program docker was found", fix=fix
    )


def usual_candidates() -> list[str]:
    """Programs called docker, the one on PATH first, each real file once."""
    on_path = shutil.which("docker")
    paths = ([on_path] if on_path else []) + [path for path in _USUAL if Path(path).is_file()]
    files: dict[Path, str] = {}
    for path in paths:
        files.setdefault(Path(path).resolve(), path)
    return list(files.values())


def _examine(path: str, runner: Runner) -> BuildCli | str:
    """The CLI, or why it can't be used."""
    try:
        answer = runner.run([path, "--version"], timeout=30, check=False)
    except ProcessError as exc:
        return exc.findings[0].cause
    version = _VERSION.search(answer.stdout)
    if answer.rc or version is None:
        return f"is not Docker's own command line ({answer.tail[:80]!r})"
    number, release = version[0].removeprefix("Docker version ").rstrip(","), (int(version[1]), int(version[2]))
    if release < BUILDKIT_SINCE:
        return f"version {number} has no BuildKit"
    if release[0] < BUILDX_SINCE:
        return BuildCli(path, number, "built-in")
    if runner.run([path, "buildx", "version"], timeout=30, check=False).rc:
        return f"version {number} has no buildx plugin"
    return BuildCli(path, number, "buildx")
