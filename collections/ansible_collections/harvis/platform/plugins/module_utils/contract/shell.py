"""Shell text, as far as it says what is installed, what is started, and which variables are read."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_VARIABLE = re.compile(r"(?<!\\)\$(?:\{[#!]?(?P<braced>[A-Za-z_][A-Za-z0-9_]*)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))")
_SEPARATOR = re.compile(r"&&|\|\||[;|\n]|\bthen\b|\bdo\b|\belse\b")
_REQUIREMENT_OPTIONS = ("-r", "--requirement")
# Installers of a whole project: what it needs stands in its own files.
_PROJECT = frozenset(
    {
        ("poetry", "install"),
        ("uv", "sync"),
        ("pdm", "install"),
        ("pdm", "sync"),
        ("pipenv", "install"),
        ("pipenv", "sync"),
    }
)
_OTHERS = frozenset({"conda", "mamba", "micromamba", "pixi", "easy_install"})


@dataclass(frozen=True)
class Install:
    """``kind``: ``name`` (a distribution), ``file`` (requirements), ``folder`` (a project), ``system``, ``unknown``."""

    kind: str
    value: str


def variables(text: str) -> set[str]:
    """Names that a shell would expand in ``text``."""
    return {m["braced"] or m["plain"] for m in _VARIABLE.finditer(text)}


def commands(text: str) -> list[list[str]]:
    """Simple commands of a script, split into words; what the shell's grammar adds is left out."""
    joined = text.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if not line.lstrip().startswith("#")]
    found = []
    for part in _SEPARATOR.split("\n".join(lines)):
        words = words_of(part)
        if words:
            found.append(words)
    return found


def words_of(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def installs(text: str) -> list[Install]:
    """What the commands of a RUN line install."""
    return [install for words in commands(text) for install in _of_command(words)]


def _of_command(words: list[str]) -> list[Install]:
    names = [w.rpartition("/")[2] for w in words]
    for index, name in enumerate(names):
        rest = words[index + 1 :]
        if name in ("apt-get", "apt", "apk", "dnf", "microdnf", "yum") and any(w in rest for w in ("install", "add")):
            return [Install("system", w) for w in rest if not w.startswith("-")]
        if re.fullmatch(r"pip[0-9.]*", name) and "install" in rest:
            return _of_pip(rest[rest.index("install") + 1 :])
        if rest and (name, rest[0]) in _PROJECT:
            return [Install("folder", ".")]
        if name in _OTHERS and any(w in rest for w in ("install", "create", "update")):
            return [Install("unknown", name)]
    return []


def _of_pip(words: list[str]) -> list[Install]:
    found: list[Install] = []
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
            continue
        following = words[index + 1] if index + 1 < len(words) else ""
        if word in _REQUIREMENT_OPTIONS:
            found.append(Install("file", following))
            skip = True
        elif word.startswith(("--requirement=", "-r")):
            found.append(Install("file", word.removeprefix("--requirement=").removeprefix("-r")))
        elif word in ("-e", "--editable"):
            found.append(Install("folder", following))
            skip = True
        elif word.startswith("-"):
            skip = word in _WITH_VALUE
        else:
            found.append(_argument(word))
    return found


_WITH_VALUE = frozenset(
    [
        "-c",
        "--constraint",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--target",
        "-t",
        "--prefix",
        "--root",
        "--python",
        "--trusted-host",
        "--cache-dir",
        "--platform",
        "--python-version",
        "--only-binary",
        "--no-binary",
        "--timeout",
        "--retries",
        "--index",
        "--proxy",
    ]
)


def _argument(word: str) -> Install:
    if word.startswith((".", "/")) or word in ("*",):
        return Install("folder", word.partition("[")[0])
    if "$" in word or "://" in word or word.endswith((".whl", ".tar.gz", ".zip")):
        return Install("unknown", word)
    return Install("name", word)
