"""Which program a container runs: its sources, the environment that its image adds, and where Python begins."""

from __future__ import annotations

import posixpath
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract.image import Image, Setting, read_image
from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Interpreter
from ansible_collections.harvis.platform.plugins.module_utils.contract.python_reads import (
    NO_READS,
    Reads,
    application_reads,
)
from ansible_collections.harvis.platform.plugins.module_utils.contract.requirements import (
    Requirements,
    folder_requirements,
    image_requirements,
)
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import SourceTree, folder_files
from ansible_collections.harvis.platform.plugins.module_utils.contract.start import Start, find_start
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import Environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container

_TESTS = re.compile(
    r"(^|.*/)(tests?|testing|conftest\.py|test_[^/]*\.py|[^/]*_test\.py|setup\.py|docs|examples)(/.*)?$"
)


@dataclass(eq=False)
class Application:
    """What an image is built from; without a Dockerfile, a folder whose image nobody describes."""

    sources: Path
    context: Path
    files: dict[str, Path]
    image: Image | None
    requirements: Requirements
    context_files: dict[str, Path] = field(default_factory=dict)
    trees: dict[tuple[str, ...], tuple[SourceTree, Interpreter]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, Setting]:
        return self.image.environment if self.image else {}

    @property
    def folder(self) -> str:
        return self.image.folder if self.image else ""

    def tree(self, search: tuple[str, ...]) -> tuple[SourceTree, Interpreter]:
        if search not in self.trees:
            tree = SourceTree(self.files, search)
            self.trees[search] = (tree, Interpreter(tree))
        return self.trees[search]


@dataclass(frozen=True, eq=False)
class Program:
    """An application as one container runs it. ``entries`` is empty where what it starts is not known."""

    application: Application
    container: Container
    start: Start
    tree: SourceTree
    entries: tuple[str, ...]
    reads: Reads
    given: Environment
    argv: tuple[str, ...]

    def short(self, file: str | Path) -> str:
        """A file's name below the sources, for people."""
        path = Path(file)
        inside = path.is_relative_to(self.application.sources)
        return path.relative_to(self.application.sources).as_posix() if inside else str(path)

    def provides(self, name: str) -> bool:
        """Whether the image itself sets ``name``, or the application does."""
        return name in self.application.environment or name in self.reads.stored


def read_application(sources: Path, context: Path, dockerfile: Path | None) -> Application:
    """Raises OSError or UnicodeDecodeError when the Dockerfile cannot be read."""
    if dockerfile is None:
        files = {p: f for p, f in folder_files(context).items() if not _TESTS.match(p)}
        return Application(sources, context, files, None, folder_requirements(context), files)
    image = read_image(dockerfile, context)
    return Application(sources, context, image.files, image, image_requirements(image), folder_files(context))


def find_program(application: Application, container: Container, given: Environment, entry: str = "") -> Program:
    """What the container runs of an application; ``entry`` is a module that somebody named.

    Where an image's start is not known, nothing is taken for read: it may be any part of the sources.
    """
    environment = merged(application, given)
    argv = command(application, container, given)
    start = Start(module=entry, folders=(application.folder,), is_python=True) if entry else None
    start = start or find_start(argv, environment, application.files, application.folder)
    tree, run = application.tree(_search(application, start, environment))
    entries = find_entries(application, start, environment)
    is_known = bool(entries) or application.image is None
    reads = application_reads(tree, entries, run) if is_known else NO_READS
    return Program(application, container, start, tree, entries, reads, given, tuple(argv))


def merged(application: Application, given: Environment) -> dict[str, str]:
    """The image's environment with the container's over it; what only the running pod knows is left out."""
    image = {name: setting.value for name, setting in application.environment.items()}
    return {**image, **{name: v.value for name, v in given.variables.items() if v.value is not None}}


def command(application: Application, container: Container, given: Environment) -> list[str]:
    """As Kubernetes does: ``command`` replaces entry point and command of the image, ``args`` the latter alone."""
    own, args = (_texts(container.body.get(key)) for key in ("command", "args"))
    image = application.image
    entrypoint = own if own is not None else list(image.entrypoint) if image else []
    rest = args if args is not None else list(image.command) if image and own is None else []
    if own is None and image is None and args is None:
        return []
    return [given.expand(word) for word in [*entrypoint, *rest]]


def _texts(value: t.Any) -> list[str] | None:
    return [str(word) for word in value] if isinstance(value, list) and value else None


def _search(application: Application, start: Start, environment: t.Mapping[str, str]) -> tuple[str, ...]:
    """``sys.path`` as far as it lies in the sources."""
    listed = environment.get("PYTHONPATH", "").split(":")
    paths = [posixpath.normpath(posixpath.join("/", application.folder, p)).strip("/") for p in listed if p]
    found = [*start.folders, *paths]
    if application.image is None:
        found += ["", *(["src"] if any(p.startswith("src/") for p in application.files) else [])]
    elif any(install.kind == "folder" for install, _ in application.image.installs):
        found += [application.folder, posixpath.join(application.folder, "src").strip("/")]
    elif not found:
        found = [application.folder]
    return tuple(dict.fromkeys(found))


def find_entries(application: Application, start: Start, environment: t.Mapping[str, str]) -> tuple[str, ...]:
    """The modules of the sources that a start begins with."""
    tree, _ = application.tree(_search(application, start, environment))
    if start.module:
        found = tree.find(start.module)
        if found and found.is_package and tree.find(f"{start.module}.__main__"):
            return (f"{start.module}.__main__", start.module)
        return (start.module,) if found else ()
    if start.script in application.files:
        name = posixpath.basename(start.script).removesuffix(".py")
        return (name,) if tree.find(name) else ()
    return ()
