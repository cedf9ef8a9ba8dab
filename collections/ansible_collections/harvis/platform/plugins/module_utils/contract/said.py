"""What a part of the contract's check says, and the words that its parts share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import Program
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import Variable
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects, pointer

_SECRET = re.compile(r"(PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|AUTH)", re.IGNORECASE)


@dataclass
class Said:
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)


def where(program: Program) -> str:
    return f"{program.container.pod.owner.address} container {program.container.name}"


def read_place(program: Program, file: str | Path, line: int, field_pointer: str = "/env") -> Place:
    """A line of the sources, and the container that it is about."""
    return Place(str(file), line, "", program.container.pod.owner.address, program.container.field + field_pointer)


def value_place(program: Program, variable: Variable, objects: Objects) -> Place:
    """Where a person would change the value: the key of the ConfigMap or Secret, else the entry of the container."""
    source = variable.source
    if source.object:
        found = objects.find(source.kind, program.container.pod.namespace, source.object)
        for part in ("data", "stringData"):
            at = pointer(part, source.key)
            if found is not None and found.get(at) is not None:
                return found.place(at)
    return program.container.place(source.pointer)


def shown(variable: Variable) -> str:
    """The value for people to read; that of a secret is not shown."""
    if variable.source.kind == "Secret" or _SECRET.search(variable.name):
        return "its value (not shown)"
    text = variable.value or ""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
