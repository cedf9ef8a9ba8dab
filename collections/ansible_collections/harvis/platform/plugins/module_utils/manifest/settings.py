"""What a container is told: variables, arguments and the lines of the files it is given, under their names."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_data, key_pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.mounts import mounted_files
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import words
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container

_LINE = re.compile(
    r"""^[ \t{,"'-]*(?P<name>[A-Za-z][\w.-]*)["']?[ \t]*[=:][ \t]*["']?(?P<value>[^\s"',#}]+)""", re.MULTILINE
)
_OPTION = re.compile(r"--?(?P<name>[A-Za-z][\w.-]*)=(?P<value>\S+)")


@dataclass(frozen=True)
class Setting:
    """One name and its value, with the place where it is written."""

    name: str
    value: str
    place: Place

    @property
    def words(self) -> list[str]:
        return words(self.name)


def settings(objects: Objects, container: Container) -> t.Iterator[Setting]:
    """Every setting whose value is known. Values may be secret: detectors show those that they understand only."""
    for variable in effective_environment(objects, container).variables.values():
        if variable.value is not None:
            source = variable.source
            config = objects.find(source.kind, container.pod.namespace, source.object) if source.object else None
            below = source.pointer + ("/value" if source.kind == "value" else "")
            place = config.place(key_pointer(config, source.key)) if config else container.place(below)
            yield Setting(variable.name, variable.value, place)
    for option in command_words(container):
        match = _OPTION.fullmatch(option.word)
        if match:
            yield Setting(match["name"], match["value"], container.place(option.pointer))
    for config, key in mounted_files(objects, container):
        for match in _LINE.finditer(config_data(config).get(key) or ""):
            yield Setting(match["name"], match["value"], config.place(key_pointer(config, key)))


@dataclass(frozen=True)
class Word:
    """One word of the command or its arguments, with its JSON pointer below the container."""

    word: str
    pointer: str


def command_words(container: Container) -> list[Word]:
    """Command and arguments, in order."""
    found = []
    for key in ("command", "args"):
        listed = container.body.get(key)
        for index, word in enumerate(listed if isinstance(listed, list) else []):
            found.append(Word(str(word), f"/{key}/{index}"))
    return found
