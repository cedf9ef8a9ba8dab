"""What a container starts: the Python module, script or application behind its command."""

from __future__ import annotations

import itertools
import posixpath
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.contract import shell
from ansible_collections.harvis.platform.plugins.module_utils.contract.dockerfile import expand

_PYTHON = re.compile(r"python[0-9.]*|pypy[0-9.]*")
_SERVERS = frozenset(["uvicorn", "hypercorn", "gunicorn", "granian", "daphne", "waitress-serve"])
_WRAPPERS = frozenset(
    [
        "exec",
        "env",
        "tini",
        "dumb-init",
        "nice",
        "ionice",
        "time",
        "command",
        "nohup",
        "ddtrace-run",
        "opentelemetry-instrument",
        "newrelic-admin",
        "run-program",
        "run",
    ]
)
_RUNNERS = frozenset({("poetry", "run"), ("uv", "run"), ("pdm", "run"), ("pipenv", "run"), ("hatch", "run")})
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
# What a server is told to serve; the port after an address is no name.
_APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?")
_LONGEST_SCRIPT = 100_000


@dataclass(frozen=True)
class Start:
    """``module`` is what is imported first, or ``script`` (a path in the image) what is run; both may be unknown.

    ``folders`` come first on the module search path. ``shell_text`` is shell that runs before it,
    and ``needs`` names the variables that say which module it is.
    """

    module: str = ""
    script: str = ""
    folders: tuple[str, ...] = ()
    shell_text: str = ""
    is_python: bool = False
    needs: frozenset[str] = frozenset()


class Files(t.Protocol):
    def __contains__(self, path: object) -> bool: ...
    def __getitem__(self, path: str) -> t.Any: ...


def find_start(argv: t.Sequence[str], environment: t.Mapping[str, str], files: Files, folder: str) -> Start:
    """Follow a command to what it runs. ``folder`` is where it runs, ``files`` what lies in the image."""
    words = list(argv)
    while words:
        name = posixpath.basename(words[0])
        if name in ("sh", "bash", "ash", "dash") and len(words) > 1:
            return _of_shell(words[1:], environment, files, folder)
        if _PYTHON.fullmatch(name):
            return _of_python(words[1:], folder)
        if name in _SERVERS:
            return _of_server(words[1:], folder)
        if name in ("celery", "flask", "fastapi", "streamlit", "dagster", "rq", "faust", "arq", "taskiq"):
            return _of_tool(name, words[1:], environment, folder)
        path = posixpath.normpath(posixpath.join("/", folder, words[0])).strip("/")
        if path in files:
            return _of_file(path, words, environment, files, folder)
        if len(words) > 1 and (name, words[1]) in _RUNNERS:
            words = words[2:]
        elif name in _WRAPPERS or (name in ("gosu", "su-exec", "setpriv") and len(words) > 2):
            words = words[2 if name in ("gosu", "su-exec") else 1 :]
            while words and (words[0].startswith("-") or "=" in words[0]):
                words = words[1:]
        else:
            break
    return Start()


def _of_shell(words: list[str], environment: t.Mapping[str, str], files: Files, folder: str) -> Start:
    options = [w for w in words if w.startswith("-")]
    rest = [w for w in words if not w.startswith("-")]
    if not rest:
        return Start()
    if any("c" in option and not option.startswith("--") for option in options):
        return _of_script(rest[0], rest[1:], environment, files, folder)
    path = posixpath.normpath(posixpath.join("/", folder, rest[0])).strip("/")
    return _of_file(path, rest, environment, files, folder) if path in files else Start()


def _of_file(path: str, words: list[str], environment: t.Mapping[str, str], files: Files, folder: str) -> Start:
    if path.endswith(".py"):
        return Start(script=path, folders=(posixpath.dirname(path),), is_python=True)
    try:
        text = files[path].read_text(encoding="utf-8")[:_LONGEST_SCRIPT]
    except (OSError, UnicodeDecodeError):
        return Start()
    if "python" in text.partition("\n")[0]:
        return Start(script=path, folders=(posixpath.dirname(path),), is_python=True)
    return _of_script(text, words[1:], environment, files, folder)


def _of_script(text: str, arguments: list[str], environment: t.Mapping[str, str], files: Files, folder: str) -> Start:
    """The last command of a script that starts Python; the shell replaces itself or waits for it."""
    found = Start(shell_text=text)
    for words in shell.commands(text):
        expanded: list[str] = []
        for word in words:
            expanded += arguments if word in ("$@", "$*") else [expand(word, environment)]
        if expanded == words and words[0] in ("sh", "bash"):
            continue
        start = find_start(expanded, environment, files, folder)
        if start.is_python:
            needs = _needed(words)
            found = Start(start.module, start.script, start.folders, text + start.shell_text, True, needs)
    return found


def _needed(words: list[str]) -> frozenset[str]:
    """Variables in the word after ``-m``, or in that of an application."""
    following = [after for word, after in itertools.pairwise(words) if word == "-m" or word in _SERVERS]
    return frozenset(name for word in following for name in shell.variables(word) if ":-" not in word)


def _of_python(words: list[str], folder: str) -> Start:
    index = 0
    while index < len(words):
        word = words[index]
        if word == "-m":
            module = words[index + 1] if index + 1 < len(words) else ""
            return _of_module(module, words[index + 2 :], folder)
        if word.startswith("-m") and len(word) > 2:
            return _of_module(word[2:], words[index + 1 :], folder)
        if word == "-c":
            return Start(is_python=True)
        if word.startswith("-"):
            index += 2 if word in ("-W", "-X") else 1
            continue
        path = posixpath.normpath(posixpath.join("/", folder, word)).strip("/")
        return Start(script=path, folders=(posixpath.dirname(path),), is_python=True)
    return Start(is_python=True)


def _of_module(module: str, rest: list[str], folder: str) -> Start:
    if module in _SERVERS:
        return _of_server(rest, folder)
    return Start(module=module, folders=(folder,), is_python=True)


def _of_server(words: list[str], folder: str) -> Start:
    """``uvicorn package.main:app``: the module before the colon."""
    folders = [folder]
    for word, following in itertools.pairwise(words):
        if word in ("--app-dir", "--chdir", "--working-directory"):
            folders.insert(0, posixpath.normpath(posixpath.join("/", folder, following)).strip("/"))
    module = next((word.partition(":")[0] for word in words if _APPLICATION.fullmatch(word)), "")
    return Start(module=module, folders=tuple(folders), is_python=True)


def _of_tool(name: str, words: list[str], environment: t.Mapping[str, str], folder: str) -> Start:
    given = environment.get("FLASK_APP", "") if name == "flask" else ""
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in ("-A", "--app"):
            given = value if equals else words[index + 1] if index + 1 < len(words) else ""
        elif word.endswith(".py") and not word.startswith("-"):
            path = posixpath.normpath(posixpath.join("/", folder, word)).strip("/")
            return Start(script=path, folders=(posixpath.dirname(path),), is_python=True)
    module = given.partition(":")[0]
    return Start(module=module if _MODULE.fullmatch(module) else "", folders=(folder,), is_python=True)
