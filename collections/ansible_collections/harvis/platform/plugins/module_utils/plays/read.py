"""Reading every YAML file of a project that Ansible would run as plays or tasks."""

from __future__ import annotations

import os
import typing as t
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.plays.shell import tangled_script
from ansible_collections.harvis.platform.plugins.module_utils.plays.tasks import Task, TaskFile, parse
from ansible_collections.harvis.platform.plugins.module_utils.plays.variables import readers, reads

MAX_BYTES = 2 * 1024**2
# Data and templates: by Ansible's layout no tasks lie there, but expressions do.
_DATA = frozenset({"files", "templates", "vars", "defaults", "meta", "group_vars", "host_vars"})
_FOREIGN = frozenset({"node_modules", "venv", "site-packages"})
_YAML = (".yml", ".yaml")


@dataclass(frozen=True)
class Sources:
    """``texts`` are the templates and variables, which may look at what a task registered."""

    files: tuple[TaskFile, ...]
    texts: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()

    def reads_result_of(self, task: Task) -> bool:
        """Whether anything depends on what the task registers."""
        return bool(task.register) and reads(self._readers, task)

    @cached_property
    def _readers(self) -> Counter[str]:
        return readers(self.files, self.texts)


def read_sources(folder: Path) -> Sources:
    """Names of files are relative to ``folder``."""
    folder = folder.resolve()
    files: list[TaskFile] = []
    texts: list[str] = []
    not_checked: list[str] = []
    if not folder.is_dir():
        return Sources((), not_checked=(f"{folder}: is no folder with playbooks",))
    for path in _walk(folder, not_checked):
        relative = path.relative_to(folder)
        text = _text(path, relative.as_posix(), not_checked)
        if text is not None and (path.suffix == ".j2" or _DATA & set(relative.parts[:-1])):
            texts.append(text)
        elif text is not None:
            files += _task_file(relative.as_posix(), text, not_checked)
    return Sources(tuple(files), tuple(texts), tuple(not_checked))


def _walk(folder: Path, not_checked: list[str]) -> t.Iterator[Path]:
    """In order; links are not followed, because they may lead out of the project or round in circles."""

    def unreadable(error: OSError) -> None:
        not_checked.append(f"{error.filename}: cannot be read ({error.strerror})")

    for at, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _FOREIGN)
        for path in (Path(at) / name for name in sorted(names)):
            if path.suffix in (*_YAML, ".j2") and path.is_file() and not path.is_symlink():
                yield path


def _text(path: Path, name: str, not_checked: list[str]) -> str | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            not_checked.append(f"{name}: is larger than {MAX_BYTES // 1024**2} MiB")
            return None
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        not_checked.append(f"{name}: is no text in UTF-8")
    except OSError as exc:
        not_checked.append(f"{name}: cannot be read ({exc.strerror})")
    return None


def _task_file(name: str, text: str, not_checked: list[str]) -> list[TaskFile]:
    import yaml

    try:
        found = parse(name, text)
    except yaml.composer.ComposerError:
        return []  # several documents, or an alias to nothing: Ansible refuses these too, so they are no plays
    except (yaml.YAMLError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        not_checked.append(f"{where}: is no YAML ({getattr(exc, 'problem', None) or type(exc).__name__})")
        return []
    for task in found.tasks if found else ():
        if line := tangled_script(task):
            not_checked.append(f"{name}:{line}: the script is too large to be looked at")
    return [found] if found else []
