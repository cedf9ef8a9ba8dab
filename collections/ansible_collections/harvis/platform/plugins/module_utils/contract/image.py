"""The image that a Dockerfile describes, as far as files of the context, environment and start go."""

from __future__ import annotations

import fnmatch
import posixpath
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract import shell
from ansible_collections.harvis.platform.plugins.module_utils.contract.dockerfile import (
    Dockerfile,
    Instruction,
    Stage,
    assignments,
    expand,
    read_dockerfile,
)
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import folder_files
from ansible_collections.harvis.platform.plugins.module_utils.image.ignore import find_rules


@dataclass(frozen=True)
class Setting:
    """A value of the image's environment and the line that sets it."""

    value: str
    line: int


@dataclass(eq=False)
class Image:
    """``files`` maps paths in the image (no leading slash) to files of the context; ``bases`` are outside images.

    ``installs`` holds what RUN lines install, each with the files that the image had at that time.
    """

    dockerfile: Path
    context: Path
    files: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, Setting] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    folder: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    start_line: int = 1
    bases: list[str] = field(default_factory=list)
    installs: list[tuple[shell.Install, dict[str, Path]]] = field(default_factory=list)

    def known(self) -> dict[str, str]:
        return {**self.arguments, **{name: s.value for name, s in self.environment.items()}}


def read_image(dockerfile: Path, context: Path, arguments: t.Mapping[str, str] | None = None) -> Image:
    """The last stage of a Dockerfile, with the stages that it builds on. Raises OSError or UnicodeDecodeError."""
    parsed = read_dockerfile(dockerfile.read_text(encoding="utf-8"), arguments)
    rules = find_rules(context, dockerfile)
    available = {p: f for p, f in folder_files(context).items() if not rules.ignores_path(p)}
    built: dict[str, Image] = {}
    for number, stage in enumerate(parsed.stages):
        image = _build(_Building(parsed, stage, dockerfile, context, available, built, dict(arguments or {})))
        built[stage.name] = built[str(number)] = image
    if not parsed.stages:
        return Image(dockerfile, context)
    last = built[str(len(parsed.stages) - 1)]
    last.installs = [pair for image in dict.fromkeys(built.values()) for pair in image.installs]
    last.bases = [base for image in dict.fromkeys(built.values()) for base in image.bases]
    return last


class _Building(t.NamedTuple):
    parsed: Dockerfile
    stage: Stage
    dockerfile: Path
    context: Path
    available: dict[str, Path]
    built: dict[str, Image]
    given: dict[str, str]


def _build(building: _Building) -> Image:
    stage = building.stage
    base = building.built.get(stage.base.lower())
    image = Image(building.dockerfile, building.context)
    if base is None:
        image.bases.append(stage.base)
    else:
        image.files, image.environment = dict(base.files), dict(base.environment)
        image.folder, image.entrypoint, image.command = base.folder, base.entrypoint, base.command
        image.start_line = base.start_line
    for instruction in stage.instructions:
        handler = _HANDLERS.get(instruction.name)
        if handler:
            handler(image, instruction, building)
    return image


def _env(image: Image, instruction: Instruction, _: _Building) -> None:
    for name, value in assignments(instruction.text, image.known()).items():
        image.environment[name] = Setting(value or "", instruction.line)


def _arg(image: Image, instruction: Instruction, building: _Building) -> None:
    for name, value in assignments(instruction.text, image.known()).items():
        default = building.parsed.arguments.get(name, "") if value is None else value
        image.arguments[name] = building.given.get(name, default)


def _workdir(image: Image, instruction: Instruction, _: _Building) -> None:
    image.folder = _inside(image, expand(instruction.text, image.known()).strip('"'))


def _entrypoint(image: Image, instruction: Instruction, _: _Building) -> None:
    image.entrypoint, image.command = _command(instruction), []
    image.start_line = instruction.line


def _cmd(image: Image, instruction: Instruction, _: _Building) -> None:
    image.command = _command(instruction)
    if not image.entrypoint:
        image.start_line = instruction.line


def _command(instruction: Instruction) -> list[str]:
    listed = instruction.listed()
    return ["/bin/sh", "-c", instruction.text] if listed is None else listed


def _run(image: Image, instruction: Instruction, _: _Building) -> None:
    text = "\n".join([instruction.text, *instruction.heredocs])
    image.installs += [(install, dict(image.files)) for install in shell.installs(text)]


def _copy(image: Image, instruction: Instruction, building: _Building) -> None:
    words = [expand(word, image.known()) for word in instruction.words()]
    if len(words) < 2 or instruction.heredocs:
        return
    origin = instruction.flags.get("from")
    if origin is None:
        available: t.Mapping[str, Path] = building.available
    elif origin.lower() in building.built:
        available = building.built[origin.lower()].files
    else:
        return
    target = words[-1]
    into_folder = target.endswith(("/", ".")) or len(words) > 2
    for source in words[:-1]:
        _place(image, available, source, _inside(image, target), into_folder=into_folder)


def _place(image: Image, available: t.Mapping[str, Path], source: str, target: str, *, into_folder: bool) -> None:
    """One source of a COPY: a folder's content goes into the target, a file becomes it or goes into it."""
    source = posixpath.normpath(source.lstrip("/"))
    if source == ".":
        image.files.update({posixpath.join(target, p): f for p, f in available.items()})
        return
    is_pattern = any(c in source for c in "*?[")
    folder_exists = any(p.startswith(f"{target}/") for p in image.files) or target == image.folder
    for path, file in available.items():
        top = "/".join(path.split("/")[: source.count("/") + 1])
        if top != source and not (is_pattern and fnmatch.fnmatchcase(top, source)):
            continue
        if path == top:
            inside = into_folder or folder_exists or (is_pattern and not posixpath.splitext(target)[1])
            image.files[posixpath.join(target, posixpath.basename(path)) if inside else target] = file
        else:
            image.files[posixpath.join(target, path.removeprefix(f"{top}/"))] = file


def _inside(image: Image, path: str) -> str:
    """An absolute path in the image, written without its slash."""
    return posixpath.normpath(posixpath.join("/", image.folder, path)).strip("/")


_HANDLERS: dict[str, t.Callable[[Image, Instruction, _Building], None]] = {
    "ENV": _env,
    "ARG": _arg,
    "WORKDIR": _workdir,
    "ENTRYPOINT": _entrypoint,
    "CMD": _cmd,
    "RUN": _run,
    "COPY": _copy,
    "ADD": _copy,
}
