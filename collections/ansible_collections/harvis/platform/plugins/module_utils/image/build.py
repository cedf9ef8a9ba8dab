"""One build: the command line, the run, and what its failure means."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.build_log import explain_failure
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import BuildCli
from ansible_collections.harvis.platform.plugins.module_utils.image.context import CONTEXT_FOLDER, DOCKERFILE, unpack
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

PARSE_CHECK = "harvis-parse-check"
# Docker knows these build arguments by itself and keeps them out of the image and of the cache key.
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Builder:
    """Builds on one daemon with one command line."""

    cli: BuildCli
    docker_host: str
    runner: Runner
    work_dir: Path
    log_dir: Path
    secrets: t.Mapping[str, Path] = field(default_factory=dict)
    network: str = "default"
    timeout: float = 3600

    def check_dockerfile(self, spec: ImageSpec, dockerfile: str) -> None:
        """Have BuildKit itself parse ``dockerfile``; nothing is built and no base is fetched.

        A stage that cannot exist is asked for: its absence is found after all that can be wrong with the text.
        Raises IMG-BUILD with the line.
        """
        with self._workspace() as folder:
            (folder / CONTEXT_FOLDER).mkdir()
            (folder / DOCKERFILE).write_text(dockerfile, encoding="utf-8")
            argv = build_argv(self.cli, folder, spec, target=PARSE_CHECK)
            result = self.runner.run(argv, env=self._environment(), timeout=120, check=False)
        if result.rc and PARSE_CHECK not in result.tail:
            raise ImageError(explain_failure(spec.name, result.stdout + result.stderr, dockerfile))

    def build(self, spec: ImageSpec, reference: Reference, source: Path, dockerfile: str) -> None:
        """Build the packed sources as ``reference``; the output goes to a file in ``log_dir`` as it comes.

        Raises IMG-BUILD.
        """
        log = self.log_dir / f"{spec.name}.log"
        with self._workspace() as folder:
            unpack(source, folder)
            argv = build_argv(self.cli, folder, spec, reference=reference, secrets=self.secrets, network=self.network)
            result = self.runner.run(argv, env=self._environment(), timeout=self.timeout, check=False, log=log)
        if result.rc:
            raise ImageError(explain_failure(spec.name, result.stdout, dockerfile, log=log))

    @contextlib.contextmanager
    def _workspace(self) -> t.Iterator[Path]:
        self.work_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=self.work_dir) as folder:
            yield Path(folder)

    def _environment(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.docker_host, **self.cli.environment}


def build_argv(
    cli: BuildCli,
    folder: Path,
    spec: ImageSpec,
    *,
    target: str | None = None,
    reference: Reference | None = None,
    secrets: t.Mapping[str, Path] | None = None,
    network: str = "default",
) -> list[str]:
    """The command that builds the sources laid out in ``folder``; secrets are named by file, never by content."""
    argv = [*cli.build_command, "--progress=plain", "--file", str(folder / DOCKERFILE)]
    argv += ["--tag", str(reference)] if reference else []
    argv += ["--network", network] if network != "default" else []
    stage = target or spec.target
    argv += ["--target", stage] if stage else []
    for name, value in sorted(spec.all_build_args.items()):
        argv += ["--build-arg", f"{name}={value}"]
    for name in PROXY_VARIABLES:
        # Without a value Docker reads the environment: a proxy's password stays out of the argument list.
        argv += ["--build-arg", name] if os.environ.get(name) else []
    for name, path in sorted((secrets or {}).items()):
        argv += ["--secret", f"id={name},src={path}"]
    return [*argv, str(folder / CONTEXT_FOLDER)]
